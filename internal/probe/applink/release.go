package applink

import (
	"context"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// release judges whether the remote configurations let the versions in the stores work.
func (r *round) release(ctx context.Context) error {
	for i := range r.releases {
		if err := r.judgeRelease(ctx, &r.releases[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) judgeRelease(ctx context.Context, app *releases) error {
	shown := httpx.RedactRawURL(app.config)
	response, err := r.get(ctx, r.others, app.config)
	switch {
	case err != nil:
		return err
	case response.Reason != "":
		r.found(configUnavailable, "%s: %s", shown, response.Detail)
		return nil
	case response.Status != http.StatusOK:
		r.found(configUnavailable, "%s: status %d, want 200", shown, response.Status)
		return nil
	}
	minimum, err := findVersion(response.Body, app.minimum)
	if err != nil {
		r.found(minimumUnreadable, "%s: %s", shown, clip(err.Error()))
		return nil
	}
	if app.version != nil {
		r.compareVersions(minimum, *app.version, "the store has")
	}
	for _, store := range app.store {
		if err := r.askStore(ctx, minimum, store, app); err != nil {
			return err
		}
	}
	return nil
}

// askStore compares with the version in the store of one country.
func (r *round) askStore(ctx context.Context, minimum version, store string, app *releases) error {
	response, err := r.get(ctx, r.others, store)
	switch {
	case err != nil:
		return err
	case response.Reason != "":
		r.found(storeUnknown, "%s: %s", httpx.RedactRawURL(store), response.Detail)
		return nil
	case response.Status != http.StatusOK:
		r.found(storeUnknown, "%s: status %d, want 200", httpx.RedactRawURL(store), response.Status)
		return nil
	}
	offered, err := findVersion(response.Body, app.path)
	if err != nil {
		r.found(storeUnknown, "%s: %s", httpx.RedactRawURL(store), clip(err.Error()))
		return nil
	}
	r.compareVersions(minimum, offered, httpx.RedactRawURL(store)+" has")
	return nil
}

func (r *round) compareVersions(minimum, offered version, who string) {
	if minimum.compare(offered) > 0 {
		r.found(lockedOut, "the app wants version %s at least, %s %s", minimum.text, who, offered.text)
	}
}
