package demo

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"consigne/portal/vault"
)

// invented stands on every paper, so that none can be taken for a real one.
const invented = "Document inventé pour une démonstration. Sans aucune valeur."

// A letterhead lays out an A4 letter, in millimetres.
type letterhead struct {
	*fpdf.Fpdf
	office, title string
}

func newLetter(office, title string) *letterhead {
	p := fpdf.New("P", "mm", "A4", "")
	p.AddUTF8FontFromBytes("go", "", goregular.TTF)
	p.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	p.SetCreator("", false)
	p.SetProducer("", false)
	p.SetMargins(22, 20, 22)
	p.SetAutoPageBreak(true, 25)
	l := &letterhead{Fpdf: p, office: office, title: title}
	p.SetHeaderFunc(l.head)
	p.SetFooterFunc(l.foot)
	p.AddPage()
	p.SetFont("go", "B", 17)
	p.MultiCell(0, 9, title, "", "L", false)
	p.Ln(6)
	p.SetFont("go", "", 11)
	return l
}

func (l *letterhead) head() {
	l.SetFillColor(40, 74, 94)
	l.Rect(0, 0, 210, 4, "F")
	l.SetFont("go", "B", 11)
	l.CellFormat(0, 8, l.office, "", 1, "L", false, 0, "")
	l.Ln(6)
}

func (l *letterhead) foot() {
	l.SetY(-18)
	l.SetFont("go", "", 8)
	l.SetTextColor(110, 110, 110)
	l.CellFormat(0, 5, fmt.Sprintf("%s Page %d", invented, l.PageNo()), "", 0, "C", false, 0, "")
	l.SetTextColor(0, 0, 0)
}

func (l *letterhead) text(paragraphs ...string) {
	l.SetFont("go", "", 11)
	for _, p := range paragraphs {
		l.MultiCell(0, 6, p, "", "L", false)
		l.Ln(3)
	}
}

// table writes lines of a label and a value.
func (l *letterhead) table(rows ...[2]string) {
	for _, r := range rows {
		l.SetFont("go", "", 11)
		l.SetFillColor(240, 243, 245)
		l.CellFormat(92, 9, "  "+r[0], "B", 0, "L", true, 0, "")
		l.SetFont("go", "B", 11)
		l.CellFormat(0, 9, r[1]+"  ", "B", 1, "R", false, 0, "")
	}
	l.Ln(6)
}

// stamp draws a round stamp at the end of the text.
func (l *letterhead) stamp() {
	x, y := 158.0, l.GetY()+20
	l.SetDrawColor(60, 70, 150)
	l.SetTextColor(60, 70, 150)
	l.SetLineWidth(0.7)
	l.Circle(x, y, 16, "D")
	l.Circle(x, y, 13.5, "D")
	l.SetFont("go", "B", 9)
	for i, word := range strings.Fields("CACHET DE FICTION") {
		l.SetXY(x-13, y-7+float64(i)*4.5)
		l.CellFormat(26, 4.5, word, "", 0, "C", false, 0, "")
	}
	l.SetTextColor(0, 0, 0)
	l.SetDrawColor(0, 0, 0)
}

func (l *letterhead) bytes() ([]byte, error) {
	var b bytes.Buffer
	err := l.Output(&b)
	return b.Bytes(), err
}

func french(d vault.Date) string {
	if d.IsZero() {
		return "sans limite"
	}
	return fmt.Sprintf("%02d/%02d/%d", d.Day, int(d.Month), d.Year)
}

// domiciliation is an attestation of two pages, after the form of the French
// administration (Cerfa 16030).
func domiciliation(c character, d paper) ([]byte, error) {
	l := newLetter("Les Tilleuls, organisme agréé pour la domiciliation", d.title)
	l.text("Article L. 264-2 du code de l’action sociale et des familles.",
		"L’organisme ci-dessus atteste que la personne désignée ci-dessous a élu domicile à son adresse.")
	l.table([2]string{"Nom et prénom", c.name}, [2]string{"Date de naissance", french(c.birth)},
		[2]string{"Adresse de domiciliation", "12 rue des Tilleuls"},
		[2]string{"Valable à partir du", french(d.from)}, [2]string{"Valable jusqu’au", french(d.until)})
	l.stamp()
	l.AddPage()
	l.text("Droits ouverts par cette attestation",
		"Cette attestation permet de recevoir du courrier et de demander des droits : prestations sociales, titre d’identité, "+
			"inscription sur les listes électorales, aide juridictionnelle.",
		"La personne domiciliée se présente au moins une fois tous les trois mois, ou appelle.",
		"Le renouvellement se demande au plus tard deux mois avant la fin.")
	l.table([2]string{"Retrait du courrier", "lundi au vendredi, 9 h à 12 h"}, [2]string{"Téléphone", "04 65 71 20 42"})
	return l.bytes()
}

// taxNotice has three pages, as the real one.
func taxNotice(c character, d paper) ([]byte, error) {
	year := d.from.Year
	l := newLetter("Direction des finances inventées", fmt.Sprintf("%s %d", d.title, year))
	l.text(c.name, "Montant de votre impôt : 0 euro.", fmt.Sprintf("Vos revenus de l’année %d ont été déclarés.", year-1))
	l.table([2]string{"Revenu fiscal de référence", "7 412 €"}, [2]string{"Nombre de parts", "1"}, [2]string{"Impôt net", "0 €"})
	l.stamp()
	l.AddPage()
	l.text("Détail du calcul")
	var rows [][2]string
	for m := time.January; m <= time.December; m++ {
		rows = append(rows, [2]string{fmt.Sprintf("Mois %02d", int(m)), fmt.Sprintf("%d €", 590+7*int(m))})
	}
	l.table(rows...)
	l.AddPage()
	l.text("Vos démarches", "Conservez cet avis : il vous sera demandé pour les aides au logement, la cantine et les transports.",
		"En cas d’erreur, une réclamation est possible jusqu’au 31 décembre de la deuxième année.")
	return l.bytes()
}

func letterOfRights(c character, d paper) ([]byte, error) {
	l := newLetter("Caisse inventée d’assurance maladie", d.title)
	l.text("Nous attestons que la personne suivante a droit à la prise en charge de ses soins.")
	l.table([2]string{"Assuré", c.name}, [2]string{"Né(e) le", french(c.birth)}, [2]string{"Numéro", "0 00 00 00 000 000 00"},
		[2]string{"Droits jusqu’au", french(d.until)})
	l.stamp()
	return l.bytes()
}

func letter(c character, d paper) ([]byte, error) {
	l := newLetter("Ville inventée, service du courrier", d.title)
	l.text("À l’attention de "+c.name, "Madame, Monsieur,",
		"Votre demande a bien été reçue. Elle est complète et sera examinée dans un délai de deux mois. "+
			"Vous n’avez rien à faire pour le moment.",
		"Si votre situation change, dites-le à la personne qui vous accompagne ou venez nous voir avec ce courrier.",
		"Nous vous prions d’agréer nos salutations distinguées.")
	l.stamp()
	return l.bytes()
}
