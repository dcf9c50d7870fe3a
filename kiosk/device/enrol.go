package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"consigne/internal/seal"
)

var (
	// ErrCode says that what was typed is not eight digits.
	ErrCode = errors.New("want the eight digits that the desk shows")
	// ErrRefused says that the portal does not know the digits, or no longer.
	ErrRefused = errors.New("the portal refused the digits: they hold for fifteen minutes and once")
	// ErrWait says that too many wrong digits came from here.
	ErrWait = errors.New("the portal got too many wrong digits: wait a minute, then try again")
)

// codeLen is how many digits the desk shows.
const codeLen = 8

// timeout is for one request and its answer, over a poor line.
const timeout = 20 * time.Second

// Enrolment is one wish to be enrolled.
type Enrolment struct {
	Portal *url.URL
	Dir    string // the keys folder
	Name   string
	Again  bool // in place of an earlier key
}

// ParseCode takes the digits out of a line; spaces and dashes are forgiven. It
// returns ErrCode for anything but eight digits.
func ParseCode(line string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, line)
	if len(digits) != codeLen || strings.Trim(digits, "0123456789") != "" {
		return "", ErrCode
	}
	return digits, nil
}

// Do makes a key and tells the portal. Until the portal has agreed nothing in the
// folder changes. It returns ErrEnrolled where a key is and Again is not set,
// ErrRefused when the portal does not accept the digits, and ErrWait when it
// takes none for a while.
func (e Enrolment) Do(ctx context.Context, code string) (Info, error) {
	if err := e.free(); err != nil {
		return Info{}, err
	}
	fresh := filepath.Join(e.Dir, keyFile+".new")
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Info{}, err
	}
	key, err := seal.MakeKeyFile(fresh, label)
	if err != nil {
		return Info{}, err
	}
	defer os.Remove(fresh)
	info, err := e.ask(ctx, code, key)
	if err != nil {
		return Info{}, err
	}
	if err := os.Rename(fresh, filepath.Join(e.Dir, keyFile)); err != nil {
		return Info{}, err
	}
	return info, writeInfo(e.Dir, info)
}

// free tells whether a key may be put into the folder.
func (e Enrolment) free() error {
	if e.Again {
		return nil
	}
	for _, name := range []string{keyFile, infoFile} {
		_, err := os.Lstat(filepath.Join(e.Dir, name))
		switch {
		case err == nil:
			return ErrEnrolled
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	return nil
}

func (e Enrolment) ask(ctx context.Context, code string, key seal.Key) (Info, error) {
	token := Device{Key: key}.Token()
	body, err := json.Marshal(map[string]any{
		"code":   code,
		"name":   e.Name,
		"public": []byte(key.Identity().Public()),
		"token":  hex.EncodeToString(token[:]),
	})
	if err != nil {
		return Info{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Portal.JoinPath("/device/enrol").String(), bytes.NewReader(body))
	if err != nil {
		return Info{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	var answer struct{ ID, Relay string }
	if err := exchange(request, &answer); err != nil {
		return Info{}, err
	}
	return Info{
		ID: answer.ID, Relay: answer.Relay, Name: e.Name, Portal: e.Portal.String(), Fingerprint: key.Fingerprint(),
	}, nil
}

// maxAnswer is more than an enrolment's answer is.
const maxAnswer = 64 << 10

// direct follows no redirect: the digits and the token go to the portal that was
// named and nowhere else.
var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func exchange(request *http.Request, answer *struct{ ID, Relay string }) error {
	response, err := direct.Do(request)
	if err != nil {
		return fmt.Errorf("ask the portal: %w", err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusNotFound:
		return ErrRefused
	case response.StatusCode == http.StatusTooManyRequests:
		return ErrWait
	case response.StatusCode/100 != 2:
		return fmt.Errorf("ask the portal: it answered %d", response.StatusCode)
	}
	err = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer)
	if err != nil || answer.ID == "" {
		return errors.New("ask the portal: its answer cannot be read")
	}
	return nil
}

// writeInfo writes the file whole or not at all.
func writeInfo(dir string, info Info) error {
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+infoFile+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(b, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(dir, infoFile))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
