package vault

import (
	"strconv"

	"consigne/internal/seal"
)

// Where each sealed value lies. The places are part of the store's format:
// a value sealed for one does not open at another.

func placeItemKey(item, person string) seal.Place {
	return seal.Place{Table: "item", Row: item, Column: "item_key", Reader: person}
}

func placeRecord(item string) seal.Place {
	return seal.Place{Table: "item", Row: item, Column: "record"}
}

func placeBlob(blob, item string) seal.Place {
	return seal.Place{Table: "blob", Row: blob, Column: "content", Reader: item}
}

func placeAccess(access, relay string) seal.Place {
	return seal.Place{Table: "access", Row: access, Column: "item_key", Reader: relay}
}

func placeCard(card, column, person string) seal.Place {
	return seal.Place{Table: "card", Row: card, Column: column, Reader: person}
}

func placeMember(member, column, reader string) seal.Place {
	return seal.Place{Table: "member", Row: member, Column: column, Reader: reader}
}

func placeJournal(person string, number int64) seal.Place {
	return seal.Place{Table: "journal", Row: person, Column: "body", Reader: strconv.FormatInt(number, 10)}
}

func placeLink(lookup []byte, column, item string) seal.Place {
	return seal.Place{Table: "link", Row: hexOf(lookup), Column: column, Reader: item}
}

func placeSession(id, kind, device string) seal.Place {
	return seal.Place{Table: "session", Row: id, Column: kind, Reader: device}
}

func placeEnrolment(id, device string) seal.Place {
	return seal.Place{Table: "enrolment", Row: id, Column: "profile", Reader: device}
}
