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

type kept struct {
	page  any
	until time.Time
}

func (c *cache) get(k key) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.pages[k]
	return found.page, ok && time.Now().Before(found.until)
}

// put keeps a page. What has expired makes room; where that is not enough, what expires first.
func (c *cache) put(k key, page any, fresh time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil {
		c.pages = make(map[key]kept)
	}
	at := time.Now()
	c.pages[k] = kept{page, at.Add(fresh)}
	var first key
	for other, found := range c.pages {
		if !at.Before(found.until) {
			delete(c.pages, other)
		} else if first == (key{}) || found.until.Before(c.pages[first].until) {
			first = other
		}
	}
	if len(c.pages) > maxPages {
		delete(c.pages, first)
	}
}

// cached returns a page from the cache, or builds and keeps it. A page is built for all who wait for it: it goes on when
// the reader who asked first has gone, and ends by the deadline of the view.
func cached[T any](ctx context.Context, v *View, k key, build func(context.Context) (T, error)) (T, error) {
	if page, ok := v.cache.get(k); ok {
		return page.(T), nil
	}
	page, err, _ := v.cache.flight.Do(k.String(), func() (any, error) {
		if page, ok := v.cache.get(k); ok {
			return page, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.deadline)
		defer cancel()
		page, err := build(ctx)
		if err != nil {
			return nil, err
		}
		v.cache.put(k, page, k.r.grid().fresh)
		return page, nil
	})
	if err != nil {
		var none T
		return none, err
	}
	return page.(T), nil
}
