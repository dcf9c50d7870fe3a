package desk

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"consigne/portal/vault"
	"consigne/portal/web"
)

// send copies a page's picture to the browser. What turns out damaged on the way
// ends the connection, so that no half picture passes for a whole one.
func (d *desk) send(w http.ResponseWriter, r *http.Request, c *vault.Content) error {
	defer func() {
		if err := c.Close(); err != nil {
			slog.WarnContext(r.Context(), "page not closed", "cause", web.RootType(err))
		}
	}()
	w.Header().Set("Content-Type", c.Type)
	w.Header().Set("Content-Length", strconv.FormatInt(c.Size, 10))
	if _, err := io.Copy(w, c); err != nil {
		if r.Context().Err() == nil {
			slog.ErrorContext(r.Context(), "page not sent whole", "cause", web.RootType(err))
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}
