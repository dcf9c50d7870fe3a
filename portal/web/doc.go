// Package web is the plumbing that the two web rooms of the portal share: pages
// rendered whole before a byte is sent, security headers, hashed static files,
// logs without paths, and cookies.
//
// A room builds its chi router like this:
//
//	r := chi.NewRouter()
//	r.Use(web.Log, web.Recover, web.Secure(web.Policy{Script: true}), web.LimitBody(64<<10))
//	static, url := web.Static(assets)
//	r.Handle("/static/*", http.StripPrefix("/desk/static/", static))
//	pages, err := web.NewRenderer(templates, []string{"today", "person"}, template.FuncMap{"static": url})
//
// Nothing here knows the vault, a language or a person.
package web
