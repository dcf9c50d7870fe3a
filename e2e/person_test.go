package e2e

import (
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"

	"codeberg.org/go-pdf/fpdf"

	"consigne/cards"
	"consigne/e2e/screen"
	"consigne/locales"
)

// A person is somebody whom the desk entered and who enrolled at the kiosk.
type person struct {
	name     string
	phone    string
	card     cards.Card
	pictures [5]string
}

// enrol: the desk enters a person; at the kiosk they consent, take a card and
// learn five pictures by practising them three times.
func (w *walk) enrol() person {
	w.t.Helper()
	p := person{name: map[string]string{"fr": "Moussa Diarra", "ar": "Rahima Nazari"}[w.lang], phone: "06 39 98 77 " + map[string]string{"fr": "21", "ar": "22"}[w.lang], card: cards.New()}
	w.must(w.desk.Go(w.house.PortalURL + "/desk/people/new"))
	w.must(w.desk.Fill("name", p.name))
	w.must(w.desk.Fill("birth", "14/03/1981"))
	w.must(w.desk.Fill("language", w.lang))
	w.must(w.desk.Choose("has_phone", "own"))
	w.must(w.desk.Fill("phone", p.phone))
	w.must(w.desk.ChooseFirst("device"))
	w.snap(w.desk, "desk-new-person")
	w.must(w.desk.Press("Envoyer à la borne"))

	w.find(w.says("common.yes"))
	w.open(w.says("common.yes"))
	w.reads("enrol.card")
	w.must(w.house.ShowCard(w.ctx, p.card.Text()))
	w.reads("enrol.learn")
	p.pictures = w.learn()
	for _, round := range []string{"enrol.practise_1", "enrol.practise_2", "enrol.practise_3"} {
		w.reads(round)
		w.pick(p.pictures)
	}
	w.reads("enrol.done")
	return p
}

// shown is where the picture to learn is drawn, inside its box.
var shown = image.Rect(440, 178, 840, 576)

// learn looks at the five pictures, one after the other.
func (w *walk) learn() (pictures [5]string) {
	w.t.Helper()
	for step := range pictures {
		if step > 0 {
			w.reads("enrol.step", "n", step+1)
		}
		_, err := w.screen.Wait(w.ctx, "a picture to learn", func(screen.Page) bool {
			shot, err := w.screen.Shot(w.ctx)
			if err != nil {
				return false
			}
			pictures[step], err = screen.Recognise(shot, shown, locales.CodeSets[step][:])
			return err == nil
		})
		w.must(err)
		if step < 4 {
			w.touch(w.says("bar.next"))
		}
	}
	w.open(w.says("enrol.learnt"))
	return pictures
}

// papers: two papers are deposited at the desk; at the kiosk one is seen.
func (w *walk) papers(p person) {
	w.t.Helper()
	w.deposit(p, "domiciliation", "Attestation", realPDF(w))
	w.deposit(p, "residence-permit", "Titre de séjour", realJPEG(w))
	if w.desk.Shows("Lire") {
		w.t.Error("the desk offers to read what nobody shared")
	}
	w.home()
	w.openPaper("domiciliation")
}

func (w *walk) deposit(p person, kind, title, file string) {
	w.t.Helper()
	w.openFile(p)
	w.must(w.desk.Fill("kind", kind))
	w.must(w.desk.Fill("title", title))
	w.must(w.desk.Fill("valid_until", "05/12/2027"))
	w.must(w.desk.Attach("file", file))
	w.must(w.desk.Press("Sceller et déposer"))
	w.must(w.desk.See("scellé"))
	w.snap(w.desk, "desk-person")
}

// openFile opens the person's file at the desk.
func (w *walk) openFile(p person) {
	w.t.Helper()
	w.must(w.desk.Go(w.house.PortalURL + "/desk/people"))
	w.must(w.desk.Press(p.name))
}

// home goes back as far as it goes.
func (w *walk) home() {
	w.t.Helper()
	_, err := w.screen.Wait(w.ctx, "home", func(page screen.Page) bool {
		if _, ok := page.Find(w.says("tile.papers")); ok {
			return true
		}
		for _, way := range []string{"bar.back", "tile.home"} {
			if n, ok := page.Find(w.says(way)); ok {
				return w.screen.Touch(w.ctx, n) != nil
			}
		}
		return false
	})
	w.must(err)
}

func (w *walk) openPaper(kind string) {
	w.t.Helper()
	w.open(w.says("tile.papers"))
	w.open(w.says("kind." + kind + ".name"))
	w.find(w.says("action.share"))
	w.photograph("paper")
}

// realPDF is a paper of two pages.
func realPDF(w *walk) string {
	w.t.Helper()
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetFont("Helvetica", "", 24)
	for _, line := range []string{"Attestation d'election de domicile", "Page 2"} {
		doc.AddPage()
		doc.Cell(0, 20, line)
	}
	file := filepath.Join(w.t.TempDir(), "attestation.pdf")
	w.must(doc.OutputFileAndClose(file))
	return file
}

// realJPEG is a photograph of a paper.
func realJPEG(w *walk) string {
	w.t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 1200, 800))
	for y := range 800 {
		for x := range 1200 {
			img.SetRGBA(x, y, color.RGBA{uint8(200 + x%50), uint8(210 + y%40), 230, 255})
		}
	}
	file := filepath.Join(w.t.TempDir(), "titre.jpg")
	f, err := os.Create(file)
	w.must(err)
	w.must(jpeg.Encode(f, img, nil))
	w.must(f.Close())
	return file
}
