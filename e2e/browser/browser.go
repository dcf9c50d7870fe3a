// Package browser drives a real Chromium with a profile of its own, as a desk
// or a phone has it.
package browser

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"consigne/e2e/stage"
)

// A Browser is one Chromium with one page.
type Browser struct {
	ctx    context.Context
	cancel func()
}

// patience is how long a page may take on a busy machine.
const patience = 60 * time.Second

// Open starts a browser whose page has that size. scale is how many dots its
// screen draws for one pixel.
func Open(ctx context.Context, width, height int64, scale float64) (*Browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "fr-FR"),
		chromedp.WSURLReadTimeout(2*patience))
	alloc, endAlloc := chromedp.NewExecAllocator(ctx, options...)
	tab, endTab := chromedp.NewContext(alloc)
	b := &Browser{tab, func() { endTab(); endAlloc() }}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale))); err != nil {
		b.cancel()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() { b.cancel() }

func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		return fmt.Errorf("%s: %w, on the page:\n%s", what, err, b.Text())
	}
	return nil
}

// Ask evaluates a little script in the page.
func Ask[T any](b *Browser, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script))
}

// Until asks a script again and again until it answers true, over whatever
// pages come meanwhile.
func (b *Browser) Until(what, script string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := stage.Until(ctx, func() (bool, error) {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		return err == nil && yes, nil // a page that is just leaving answers nothing
	})
	if err != nil {
		return fmt.Errorf("%s: %w, on the page:\n%s", what, err, b.Text())
	}
	return nil
}

// UntilReloaded loads the page anew until a script answers true.
func (b *Browser) UntilReloaded(what, script string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := stage.Until(ctx, func() (bool, error) {
		if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
			return false, err
		}
		return chromedp.Run(ctx, chromedp.Evaluate[bool](script))
	})
	if err != nil {
		return fmt.Errorf("%s: %w, on the page:\n%s", what, err, b.Text())
	}
	return nil
}

// Go opens an address and waits for the page.
func (b *Browser) Go(url string) error { return b.do("open", chromedp.Navigate(url)) }

// Fill types into the field of a name, in place of what stands there.
func (b *Browser) Fill(name, text string) error {
	field := chromedp.CSS(fmt.Sprintf("[name=%q]:not([type=hidden])", name))
	return b.do("fill "+name, chromedp.WaitVisible(field), chromedp.SetValue(field, text))
}

// Choose picks one of a field's choices.
func (b *Browser) Choose(name, value string) error {
	return b.Until("choose "+name, fmt.Sprintf(`(e => { e && e.click(); return !!e && e.checked })(document.querySelector('input[name=%q][value=%q]'))`, name, value))
}

// ChooseFirst picks a field's first choice.
func (b *Browser) ChooseFirst(name string) error {
	return b.Until("choose "+name, fmt.Sprintf(`(e => { e && e.click(); return !!e && e.checked })(document.querySelector('input[name=%q]'))`, name))
}

// Attach puts a file into a field.
func (b *Browser) Attach(name, path string) error {
	return b.do("attach", chromedp.SetUploadFiles(chromedp.CSS(fmt.Sprintf("input[name=%q]", name)), []string{path}))
}

// Press clicks what is called so, and waits until another page came.
func (b *Browser) Press(words string) error {
	if _, err := Ask[bool](b, "window.pressed = true"); err != nil {
		return err
	}
	if err := b.Touch(words); err != nil {
		return err
	}
	return b.Until("the page after "+words, "!window.pressed && document.readyState === 'complete'")
}

// Touch clicks what is called so; the page may stay.
func (b *Browser) Touch(words string) error {
	button := fmt.Sprintf(`//*[self::button or self::a][contains(normalize-space(.), %q)]`, words)
	return b.do("press "+words, chromedp.WaitVisible(button), chromedp.Click(button))
}

// See waits until the page shows the words.
func (b *Browser) See(words string) error {
	return b.Until("see "+words, fmt.Sprintf("document.body.innerText.includes(%q)", words))
}

// Shows tells whether the page shows the words now.
func (b *Browser) Shows(words string) bool { return strings.Contains(b.Text(), words) }

// Text is what the page shows.
func (b *Browser) Text() string {
	text, err := Ask[string](b, "document.body.innerText")
	if err != nil {
		return err.Error()
	}
	return text
}

// Save takes a picture of the whole page into a file.
func (b *Browser) Save(path string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(path, png, 0o600)
}
