package desk

import (
	"strconv"

	"consigne/smsd/queue"
)

// remedy is what somebody at the desk can do about a message.
type remedy int

const (
	nothing remedy = iota
	change         // another number
	warn           // call the person: the message will not come
	cancel         // take the message back
)

// A fault is why a message stands where it stands, in words, and what helps.
type fault struct {
	why  string
	help remedy
}

// faults turn codes into what staff can act on: first the carrier's, by what they
// are about, then the queue's own words.
var faults = map[string]fault{
	"21211": {"Ce numéro n’existe pas.", change},
	"21214": {"Ce numéro ne peut pas être joint.", change},
	"21217": {"Ce numéro n’a pas la forme d’un numéro.", change},
	"21265": {"C’est un numéro court : il ne reçoit rien.", change},
	"21266": {"C’est le numéro qui envoie.", change},
	"21401": {"Ce numéro n’existe pas.", change},
	"21407": {"Ce numéro ne reçoit pas de SMS.", change},
	"21408": {"L’envoi vers ce pays n’est pas ouvert.", change},
	"21421": {"Ce numéro n’existe pas.", change},
	"21604": {"Le numéro manquait.", change},
	"21608": {"Compte d’essai : ce numéro n’y est pas inscrit.", warn},
	"21612": {"Aucun chemin vers ce numéro.", change},
	"21614": {"Ce numéro ne reçoit pas de SMS.", change},
	"21635": {"C’est une ligne fixe.", change},
	"30004": {"Le téléphone ou son réseau refuse ce message.", change},
	"30005": {"Ce numéro n’est plus attribué.", change},
	"30006": {"Ligne fixe, ou opérateur injoignable.", change},
	"30011": {"Ce numéro ne reçoit que des images.", change},

	"21610": {"La personne a répondu STOP.", warn},

	"21602": {"Le texte manquait.", warn},
	"21605": {"Le texte est trop long pour ce pays.", warn},
	"21617": {"Le texte est trop long.", warn},
	"21618": {"Ce texte ne peut pas partir.", warn},
	"21619": {"Le texte était vide.", warn},
	"30007": {"L’opérateur refuse le contenu.", warn},
	"30019": {"Le texte est trop long pour ce réseau.", warn},
	"30038": {"L’opérateur l’a pris pour un code secret.", warn},
	"30044": {"Compte d’essai : le texte est trop long.", warn},

	"30018": {"Le réseau ne connaît pas encore l’expéditeur.", warn},
	"30024": {"Le réseau ne connaît pas l’expéditeur.", warn},
	"30040": {"Le réseau ne connaît pas encore l’expéditeur.", warn},
	"30041": {"Expéditeur inconnu au Royaume-Uni.", warn},
	"30043": {"Ce chemin ne passe pas les frontières.", warn},
	"30450": {"L’opérateur l’a pris pour une fraude.", warn},
	"30453": {"L’opérateur l’a pris pour une fraude.", warn},
	"30485": {"L’opérateur l’a pris pour une fraude.", warn},

	"21730": {"L’opérateur est en travaux.", warn},
	"30020": {"Panne chez l’opérateur.", warn},
	"30021": {"Panne chez l’opérateur.", warn},
	"30022": {"Trop d’envois à la fois vers ce réseau.", warn},
	"30023": {"Le réseau n’en prend plus aujourd’hui.", warn},
	"30027": {"Le réseau n’en prend plus aujourd’hui.", warn},
	"30001": {"L’opérateur est débordé.", warn},
	"30003": {"Téléphone éteint ou hors réseau.", warn},
	"30008": {"L’opérateur ne dit pas pourquoi.", warn},
	"30009": {"Une partie du message s’est perdue.", warn},
	"30017": {"Le réseau est encombré.", warn},
	"30036": {"Le téléphone est resté éteint trop longtemps.", warn},
	"30410": {"L’opérateur du téléphone n’a pas répondu.", warn},
	"30500": {"Panne chez l’opérateur du téléphone.", warn},

	"20429":         {"Trop d’envois à la fois : il repart tout seul.", nothing},
	"14107":         {"Trop d’envois à la fois : il repart tout seul.", nothing},
	"21611":         {"Trop d’envois à la fois : il repart tout seul.", nothing},
	"429":           {"Trop d’envois à la fois : il repart tout seul.", nothing},
	"no-connection": {"Pas de liaison avec l’opérateur : il repart tout seul.", nothing},

	"opt-out":             {"La personne a répondu STOP.", warn},
	"not-me":              {"Quelqu’un d’autre lit ce numéro.", change},
	"number-unwell":       {"Ce numéro ne répond plus : pas de lien vers lui.", change},
	"does-not-open":       {"Ce message ne s’ouvre plus chez nous.", warn},
	"restored":            {"Repris d’une sauvegarde : il est peut-être déjà parti.", nothing},
	"carrier-cannot-tell": {"L’opérateur ne sait pas dire s’il est parti.", nothing},
	"decided":             {"Décidé au guichet.", nothing},
	"expired":             {"Trop tard : non envoyé.", warn},
	"timeout":             {"L’opérateur n’a pas répondu à temps.", nothing},
	"cut":                 {"La liaison s’est coupée pendant l’envoi.", nothing},
	"odd-answer":          {"L’opérateur a répondu de travers.", nothing},
	"no-answer":           {"L’opérateur n’a pas répondu.", nothing},
	"process-died":        {"Notre machine s’est arrêtée pendant l’envoi.", nothing},
}

// setup are the codes of our own account and sender: nobody at a desk can mend
// them, and nothing is lost meanwhile.
var setup = map[string]bool{
	"20001": true, "20003": true, "20005": true, "20008": true, "20403": true, "20404": true, "21212": true, "21603": true, "21606": true,
	"21607": true, "21609": true, "21659": true, "21660": true, "21703": true, "30002": true, "30010": true, "30034": true, "63038": true,
	"10001": true, "20006": true, "21267": true, "21601": true, "21616": true, "21661": true, "21701": true, "21704": true, "21705": true,
	"21709": true, "21711": true, "21712": true, "21910": true, "30032": true, "30037": true, "30454": true,
}

// byState says what there is to say of a message without a code that we know.
var byState = map[queue.State]fault{
	queue.Unknown:     {"Délai dépassé.", nothing},
	queue.Held:        {"L’opérateur ne sait pas dire s’il est parti.", nothing},
	queue.Delivered:   {"Texte et numéro effacés.", nothing},
	queue.Expired:     {"Trop tard : non envoyé.", warn},
	queue.Undelivered: {"L’opérateur n’a pas pu le remettre.", warn},
	queue.Failed:      {"L’opérateur l’a refusé.", warn},
	queue.Suppressed:  {"La personne a répondu STOP.", warn},
}

// faultOf finds why a message stands where it stands. The carrier's number is
// kept, to be quoted to it.
func faultOf(s queue.Status) fault {
	f, known := faults[s.Error]
	switch {
	case setup[s.Error]:
		f = fault{"Réglage de l’envoi à revoir : prévenez qui héberge Consigne.", nothing}
	case !known:
		f = byState[s.State]
	}
	if _, err := strconv.Atoi(s.Error); err == nil && f.why != "" {
		f.why += " (" + s.Error + ")"
	}
	if s.State == queue.Unknown {
		f.why += " On interroge l’opérateur."
	}
	return f
}

// reason says why a message stands where it stands.
func reason(s queue.Status) string { return faultOf(s).why }

// remedyFor says what somebody can do about a message: nothing once it has
// arrived, or while it is on its way.
func remedyFor(s queue.Status) remedy {
	switch s.State {
	case queue.Planned:
		return cancel
	case queue.Undelivered, queue.Failed, queue.Suppressed, queue.Expired:
		return faultOf(s).help
	}
	return nothing
}
