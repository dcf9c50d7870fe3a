package decode

/*
#cgo LDFLAGS: -l:libzbar.so.0

// What is used of zbar.h, 0.23. Said again here because Debian's libzbar-dev
// brings forty packages, half of ImageMagick among them, for this one header.
typedef struct zbar_image_s zbar_image_t;
typedef struct zbar_image_scanner_s zbar_image_scanner_t;
typedef struct zbar_symbol_s zbar_symbol_t;
enum { ZBAR_QRCODE = 64, ZBAR_CFG_ENABLE = 0 };
extern zbar_image_t *zbar_image_create(void);
extern void zbar_image_destroy(zbar_image_t *);
extern void zbar_image_set_format(zbar_image_t *, unsigned long);
extern void zbar_image_set_size(zbar_image_t *, unsigned, unsigned);
extern void zbar_image_set_data(zbar_image_t *, const void *, unsigned long, void (*)(zbar_image_t *));
extern const zbar_symbol_t *zbar_image_first_symbol(const zbar_image_t *);
extern zbar_image_scanner_t *zbar_image_scanner_create(void);
extern void zbar_image_scanner_destroy(zbar_image_scanner_t *);
extern int zbar_image_scanner_request_dbus(zbar_image_scanner_t *, int);
extern int zbar_image_scanner_set_config(zbar_image_scanner_t *, int symbology, int config, int value);
extern int zbar_scan_image(zbar_image_scanner_t *, zbar_image_t *);
extern const zbar_symbol_t *zbar_symbol_next(const zbar_symbol_t *);
extern const char *zbar_symbol_get_data(const zbar_symbol_t *);
extern unsigned zbar_symbol_get_data_length(const zbar_symbol_t *);
extern unsigned zbar_symbol_get_loc_size(const zbar_symbol_t *);
extern int zbar_symbol_get_loc_x(const zbar_symbol_t *, unsigned);
extern int zbar_symbol_get_loc_y(const zbar_symbol_t *, unsigned);

// scan hands zbar the pixels for the time of one call. The image that it
// returns holds the symbols and no pixels any more.
static zbar_image_t *scan(zbar_image_scanner_t *scanner, const void *pixels, unsigned width, unsigned height) {
	zbar_image_t *image = zbar_image_create();
	if (!image) {
		return NULL;
	}
	zbar_image_set_format(image, 0x30303859); // "Y800": a byte of grey a pixel
	zbar_image_set_size(image, width, height);
	zbar_image_set_data(image, pixels, (unsigned long)width * height, NULL);
	zbar_scan_image(scanner, image);
	zbar_image_set_data(image, NULL, 0, NULL);
	return image;
}

static zbar_image_scanner_t *create(void) {
	zbar_image_scanner_t *scanner = zbar_image_scanner_create();
	if (!scanner) {
		return NULL;
	}
	// Debian's zbar tells every code that it reads to the system bus, unless
	// it is asked not to. A card's letters are a secret.
	zbar_image_scanner_request_dbus(scanner, 0);
	zbar_image_scanner_set_config(scanner, 0, ZBAR_CFG_ENABLE, 0);
	zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
	return scanner;
}
*/
import "C"

import (
	"image"
	"unsafe"
)

// symbol is a QR code in a picture: what it says, and the box around it.
type symbol struct {
	text string
	box  image.Rectangle
}

// scanner reads QR codes through zbar. It serves one goroutine at a time.
type scanner struct{ zbar *C.zbar_image_scanner_t }

// newScanner makes a scanner, to be closed after use.
func newScanner() *scanner {
	zbar := C.create()
	if zbar == nil {
		panic("decode: zbar: out of memory") // as Go itself would
	}
	return &scanner{zbar}
}

func (s *scanner) close() { C.zbar_image_scanner_destroy(s.zbar) }

// scan returns every QR code that zbar sees.
func (s *scanner) scan(grey *plane) []symbol {
	if len(grey.pix) == 0 {
		return nil
	}
	img := C.scan(s.zbar, unsafe.Pointer(&grey.pix[0]), C.uint(grey.width), C.uint(grey.height))
	if img == nil {
		return nil
	}
	defer C.zbar_image_destroy(img)
	var found []symbol
	for sym := C.zbar_image_first_symbol(img); sym != nil; sym = C.zbar_symbol_next(sym) {
		found = append(found, symbol{
			text: C.GoStringN(C.zbar_symbol_get_data(sym), C.int(C.zbar_symbol_get_data_length(sym))),
			box:  box(sym),
		})
	}
	return found
}

func box(sym *C.zbar_symbol_t) image.Rectangle {
	var b image.Rectangle
	for i := range C.zbar_symbol_get_loc_size(sym) {
		corner := image.Pt(int(C.zbar_symbol_get_loc_x(sym, i)), int(C.zbar_symbol_get_loc_y(sym, i)))
		b = b.Union(image.Rectangle{Min: corner, Max: corner.Add(image.Pt(1, 1))})
	}
	return b
}
