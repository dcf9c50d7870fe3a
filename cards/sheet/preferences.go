package sheet

import (
	"bytes"
	"fmt"
)

// printPreferences asks viewers to print at true size, on both faces, turned
// over the long edge: ISO 32000-1, 12.2. A viewer's "fit to page" would shrink
// the cards by some percent. fpdf cannot say this itself. The catalogue is the
// last object of the file, so that only the address of the cross-reference
// table behind it moves; a file of another form stays as it is.
func printPreferences(pdf []byte) []byte {
	const catalogue, address = "/Type /Catalog\n", "startxref\n"
	const wish = "/ViewerPreferences <</PrintScaling /None /Duplex /DuplexFlipLongEdge>>\n"
	at := bytes.LastIndex(pdf, []byte(catalogue))
	end := bytes.LastIndex(pdf, []byte(address))
	var table int
	if at < 0 || end < at {
		return pdf
	}
	if _, err := fmt.Sscan(string(pdf[end+len(address):]), &table); err != nil || table < at {
		return pdf
	}
	at += len(catalogue)
	out := make([]byte, 0, len(pdf)+len(wish))
	out = append(out, pdf[:at]...)
	out = append(out, wish...)
	out = append(out, pdf[at:end]...)
	return fmt.Appendf(out, "%s%d\n%%%%EOF\n", address, table+len(wish))
}
