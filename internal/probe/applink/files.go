package applink

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxShown bounds what a detail shows of a foreign text, in bytes.
const maxShown = 200

// iOS judges what the site tells iPhones, and Apple's copy of that.
func (r *round) iOS(ctx context.Context) error {
	const name = "apple-app-site-association"
	if len(r.appIDs) == 0 {
		return nil
	}
	response, err := r.file(ctx, associationPath, name)
	if err != nil || response == nil {
		return err
	}
	if len(response.Body) > maxAssociation {
		r.found(fileLarge, "%s: %d bytes, want at most %d", name, len(response.Body), maxAssociation)
	}
	file, err := parseAssociation(response.Body)
	if err != nil {
		r.found(fileInvalid, "%s: %s", name, clip(err.Error()))
		return nil
	}
	if file.work() > maxWork {
		r.found(fileLarge, "%s: too many patterns over too many values of variables to try, want fewer", name)
		return nil
	}
	for _, app := range r.appIDs {
		if !file.names(app) {
			r.found(appMissing, "%s: no details for %s", name, app)
			continue
		}
		for _, link := range r.links {
			if !file.opens(app, link) {
				r.found(linkUnmatched, "%s: %s does not open %s", name, httpx.RedactURL(link), app)
			}
		}
	}
	if r.copyURL == "" {
		return nil
	}
	return r.compare(ctx, response)
}

// compare asks for Apple's copy of the site's file.
func (r *round) compare(ctx context.Context, origin *httpx.Response) error {
	copied, err := r.get(ctx, r.others, r.copyURL)
	if err != nil {
		return err
	}
	// Apple gives the failures of its own fetcher as 404, with the reason in a header.
	failure := copied.Header.Get("Apple-Failure-Reason")
	age := r.seen.age(origin.Body, origin.Header, time.Now())
	check, wrong := copyDiffers, "Apple's copy differs from the file of the site"
	switch {
	case copied.Reason != "":
		r.found(copyUnknown, "Apple's copy: %s", copied.Detail)
		return nil
	case copied.Status == http.StatusNotFound || failure != "":
		check, wrong = copyMissing, fmt.Sprintf("Apple's copy: status %d, want 200", copied.Status)
		if failure != "" {
			wrong += fmt.Sprintf("; Apple's reason is %q", clip(failure))
		}
	case copied.Status != http.StatusOK:
		r.found(copyUnknown, "Apple's copy: status %d, want 200 or 404", copied.Status)
		return nil
	case sameJSON(origin.Body, copied.Body):
		return nil
	}
	if age < appleDay {
		r.found(copyPending, "%s; the file of the site is known to be %v old, want a day before it counts", wrong, age.Round(time.Second))
		return nil
	}
	r.found(check, "%s, which is %v old at least", wrong, age.Round(time.Minute))
	return nil
}

// androidFile judges what the site tells Android.
func (r *round) androidFile(ctx context.Context) error {
	const name = "assetlinks.json"
	app := r.android
	if app.Package == "" {
		return nil
	}
	response, err := r.file(ctx, statementsPath, name)
	if err != nil || response == nil {
		return err
	}
	if media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || media != "application/json" {
		r.found(fileType, "%s: content type %q, want application/json", name, clip(response.Header.Get("Content-Type")))
	}
	file, err := parseStatements(response.Body)
	if err != nil {
		r.found(fileInvalid, "%s: %s", name, clip(err.Error()))
		return nil
	}
	keys, named := file.keys(app.Package)
	switch {
	case !named && file.includes():
		r.found(includesUnread, "%s: no statement for %s itself", name, app.Package)
	case !named:
		r.found(appMissing, "%s: no statement with %s for %s", name, handleURLs, app.Package)
	case slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(app.Fingerprints, key) }):
	case sameButCase(keys, app.Fingerprints):
		r.found(keyMissing, "%s: the fingerprint of %s is not in capitals", name, app.Package)
	default:
		r.found(keyMissing, "%s: %s has %d other fingerprints, want %s", name, app.Package, len(keys), app.Fingerprints[0])
	}
	return nil
}

func clip(text string) string { return probe.Clip(text, maxShown) }
