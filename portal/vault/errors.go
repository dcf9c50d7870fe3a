package vault

import (
	"errors"
	"fmt"

	"consigne/internal/database"
)

// What can go wrong for a person, each with its own screen. Anything else is a
// fault of ours: it is logged by its number and shown as such.
var (
	ErrNotFound  = database.ErrNotFound
	ErrBusy      = database.ErrBusy
	ErrFull      = database.ErrFull // no room on the disk
	ErrForbidden = errors.New("no key for this here")
	ErrSession   = errors.New("session has ended")
	ErrRepeated  = errors.New("form was carried out already")

	ErrRelayName = errors.New("a relay has this name already")

	ErrCardText    = errors.New("this is no card")
	ErrCardUnknown = errors.New("card opens no vault")
	ErrCardStopped = errors.New("card was stopped")
	ErrCardBlocked = errors.New("card is blocked after five wrong tries")
	ErrCardTaken   = errors.New("card belongs to a vault already")

	ErrSignIn = errors.New("e-mail, password or code is wrong")
	ErrCode   = errors.New("code is wrong or too old")

	ErrTooLarge     = errors.New("file is larger than 25 MiB")
	ErrFileEmpty    = errors.New("file is empty")
	ErrFileType     = errors.New("file is no JPEG, PNG or PDF")
	ErrFileCut      = errors.New("file is cut short")
	ErrFileDamaged  = errors.New("file is damaged")
	ErrFilePassword = errors.New("file asks for a password")
	ErrFilePages    = errors.New("file has too many pages")

	ErrPast    = errors.New("that hour is past")
	ErrNoPhone = errors.New("no phone is known")
	ErrSick    = errors.New("messages no longer reach that phone")
	ErrStopped = errors.New("messages to that phone were stopped")
	ErrEnough  = errors.New("enough links were sent in a day")

	ErrLinkDead  = errors.New("link no longer opens")
	ErrLinkOther = errors.New("link was opened in another browser")
)

// WrongPictures says that the five pictures were not right. Left is how many
// tries the card has still; −1 while practising, where nothing is counted.
type WrongPictures struct{ Left int }

func (e *WrongPictures) Error() string { return fmt.Sprintf("wrong pictures: %d tries left", e.Left) }

// Invalid says which field of a form cannot be taken, and why, in a word that
// the page turns into a sentence: "missing", "unknown", "past", "short", "phone".
type Invalid struct{ Field, Reason string }

func (e *Invalid) Error() string { return fmt.Sprintf("invalid %s: %s", e.Field, e.Reason) }
