package demo

import (
	"time"

	"consigne/portal/vault"
)

// Everything here is invented. Phone numbers are of the ranges that ARCEP keeps
// for fiction (06 39 98 and 04 65 71), addresses of e-mail end in .example
// (RFC 2606).

const (
	dayCentre = "Les Tilleuls"
	office    = "CCAS quartier Gare"
	library   = "Médiathèque du Pont"
)

type openedRelay struct {
	vault.Relay
	email, member string
}

var relays = []openedRelay{
	{vault.Relay{Name: dayCentre, Kind: "accueil de jour", Badge: "deciduous-tree", Colour: "green",
		Phone: "+33465712042", Address: "12 rue des Tilleuls"}, "ines@tilleuls.example", "Inès Morel"},
	{vault.Relay{Name: office, Kind: "CCAS", Badge: "locomotive", Colour: "rust",
		Phone: "+33465712071", Address: "3 place de la Gare"}, "paul@ccas-gare.example", "Paul Renaud"},
	{vault.Relay{Name: library, Kind: "médiathèque", Badge: "books", Colour: "blue",
		Phone: "+33465712095", Address: "1 quai du Pont"}, "lea@mediatheque-pont.example", "Léa Caron"},
}

type character struct {
	name, lang, phone string
	birth             vault.Date
	papers            []paper
	appointments      []vault.NewAppointment
}

// A paper is drawn by draw for its holder. It is shared with the relays named.
type paper struct {
	kind, title string
	from, until vault.Date
	draw        func(p character, d paper) ([]byte, error)
	shared      []share
}

type share struct {
	relay string
	term  vault.Term
}

// cast gives the people, with dates around today: for each a paper that is
// valid; among all one that ends soon, one that has ended and one without limit.
func cast(today vault.Date) []character {
	in := today.AddDays
	return []character{
		{name: "Bernard Lemoine", lang: "fr", phone: "+33639980112", birth: vault.Date{Year: 1968, Month: time.March, Day: 14},
			papers: []paper{
				{kind: "domiciliation", title: "Attestation d’élection de domicile", from: in(-165), until: in(200), draw: domiciliation,
					shared: []share{{dayCentre, vault.UntilStopped}, {office, vault.Nights}}},
				{kind: "identity-card", title: "Carte nationale d’identité", from: in(-3690), until: in(-38), draw: cardPhoto},
				{kind: "tax-notice", title: "Avis d’impôt sur les revenus", from: in(-90), draw: taxNotice},
				{kind: "health-card", title: "Attestation de droits à l’assurance maladie", from: in(-60), until: in(305), draw: letterOfRights},
				{kind: "letter", title: "Courrier de la mairie", draw: letter},
			},
			appointments: []vault.NewAppointment{
				{Day: in(5), Hour: 14, Minute: 30, Place: "CCAS quartier Gare", Picture: "locomotive",
					Bring: []string{"domiciliation", "identity-card", "tax-notice", "bank-details"}},
			}},
		{name: "Amal Haddad", lang: "ar", phone: "+33639980127", birth: vault.Date{Year: 1991, Month: time.September, Day: 2},
			papers: []paper{
				{kind: "residence-permit", title: "Titre de séjour", from: in(-345), until: in(19), draw: cardPhoto},
				{kind: "domiciliation", title: "Attestation d’élection de domicile", from: in(-30), until: in(335), draw: domiciliation,
					shared: []share{{office, vault.Nights}}},
				{kind: "tax-notice", title: "Avis d’impôt sur les revenus", from: in(-90), draw: taxNotice},
			},
			appointments: []vault.NewAppointment{
				{Day: in(3), Hour: 9, Minute: 15, Place: "Préfecture", Picture: "bank", Bring: []string{"residence-permit", "domiciliation"}},
				{Day: in(12), Hour: 11, Place: "Hôpital Saint-Luc", Picture: "hospital", Bring: []string{"health-card"}},
			}},
		{name: "Yusuf Demir", lang: "fr", phone: "", birth: vault.Date{Year: 1954, Month: time.November, Day: 30},
			papers: []paper{
				{kind: "domiciliation", title: "Attestation d’élection de domicile", from: in(-380), until: in(-15), draw: domiciliation},
				{kind: "passport", title: "Passeport", from: in(-900), until: in(2750), draw: cardPhoto,
					shared: []share{{library, vault.Month}}},
				{kind: "pension", title: "Notification de retraite", from: in(-200), draw: letter},
			},
			appointments: []vault.NewAppointment{
				{Day: in(2), Hour: 10, Place: "Les Tilleuls", Picture: "deciduous-tree", Bring: []string{"domiciliation", "pension"}},
			}},
	}
}
