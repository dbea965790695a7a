package view

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// maxPages bounds what is kept. A page of one channel has some hundred kilobytes.
const maxPages = 64

// key names a page.
type key struct {
	page                string
	r                   Range
	channel, touchpoint string
}

func (k key) String() string {
	return k.page + " " + string(k.r) + " " + k.channel + "/" + k.touchpoint
}

// cache keeps pages for a moment and builds each only once at a time. The zero value is empty.
type cache struct {
	flight singleflight.Group
	mu     sync.Mutex
	pages  map[key]kept
}

// kept is a page and how long it is shown without a question.
type kept struct {
	page  any
	at    time.Time // of the evaluation that it shows
	until time.Time
}

func (c *cache) get(k key) (found kept, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.pages[k]
	return found, ok && time.Now().Before(found.until)
}

// put keeps a page. Where there are too many, the one that was shown longest ago goes.
func (c *cache) put(k key, page any, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil {
		c.pages = make(map[key]kept)
	}
	c.pages[k] = kept{page, at, time.Now().Add(k.r.grid().fresh)}
	if len(c.pages) <= maxPages {
		return
	}
	first := k
	for other, found := range c.pages {
		if found.until.Before(c.pages[first].until) {
			first = other
		}
	}
	delete(c.pages, first)
}

// cached returns a page from the cache, or builds and keeps it. A page that has been shown for a while is shown again
// where the rules have not run since. It is built for all who wait for it: it goes on when the reader who asked first has
// gone, and ends by the deadline of the view.
func cached[T any](ctx context.Context, v *View, k key, build func(context.Context, rounds) (T, error)) (T, error) {
	if found, fresh := v.cache.get(k); fresh {
		return found.page.(T), nil
	}
	page, err, _ := v.cache.flight.Do(k.String(), func() (any, error) {
		found, fresh := v.cache.get(k)
		if fresh {
			return found.page, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.deadline)
		defer cancel()
		last, err := askRounds(ctx, v.engine)
		if err != nil {
			return nil, err
		}
		page := found.page
		if page == nil || !found.at.Equal(last[recent]) {
			if page, err = build(ctx, last); err != nil {
				return nil, err
			}
		}
		v.cache.put(k, page, last[recent])
		return page, nil
	})
	if err != nil {
		var none T
		return none, err
	}
	return page.(T), nil
}
