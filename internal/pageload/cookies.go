package pageload

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

const maxCookies = 300

// jar returns the cookies of the tab's context, those of other sites included. The party is not decided yet.
func (p *Page) jar(ctx context.Context) ([]Cookie, error) {
	var answer struct {
		Cookies []struct {
			Name     string  `json:"name"`
			Domain   string  `json:"domain"`
			Expires  float64 `json:"expires"` // seconds since 1970
			Session  bool    `json:"session"`
			HTTPOnly bool    `json:"httpOnly"`
			Secure   bool    `json:"secure"`
			SameSite string  `json:"sameSite"`
		} `json:"cookies"`
	}
	params := map[string]any{"browserContextId": p.tab.Context()}
	if err := p.tab.Conn().Call(ctx, "", "Storage.getCookies", params, &answer); err != nil {
		return nil, err
	}
	var all []Cookie
	for _, c := range answer.Cookies[:min(len(answer.Cookies), maxCookies)] {
		cookie := Cookie{
			Name: probe.Clip(c.Name, maxWord), Domain: probe.Clip(c.Domain, maxWord),
			HTTPOnly: c.HTTPOnly, Secure: c.Secure, SameSite: c.SameSite,
		}
		if !c.Session {
			cookie.Lifetime = lifetime(c.Expires)
		}
		all = append(all, cookie)
	}
	return all, nil
}

// lifetime returns how long a cookie lives on; at least a nanosecond, because 0 means until the end of the session.
func lifetime(expires float64) time.Duration {
	left := time.Until(time.Unix(int64(min(max(expires, 0), math.MaxInt32*4)), 0))
	return max(1, left.Round(time.Second))
}

// assign returns the cookies with whose each one is, seen from the site of the page.
func assign(cookies []Cookie, home string) []Cookie {
	cookies = slices.Clone(cookies)
	for i := range cookies {
		cookies[i].ThirdParty = site(strings.TrimPrefix(cookies[i].Domain, ".")) != home
	}
	return cookies
}
