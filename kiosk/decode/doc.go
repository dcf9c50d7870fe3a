// Package decode finds cards in pictures: a photograph, a frame of a camera, a
// scanned page, a sheet of ten.
//
//	for _, card := range decode.Image(img) { ... }
//	cards, err := decode.File(ctx, "scan.pdf")
//
// A card counts only if the QR code's own correction, the card's check letters
// and the exact spelling all agree, so a picture gives the right card or none.
//
// The codes are found by zbar (libzbar0), which looks at a picture several
// times: as it is, and thresholded here by the brightness around each pixel,
// which is what finds codes under uneven light and scratches.
package decode
