package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed templates/look.html
var lookTemplate string

// The hosts of what only a browser sees. Names below localhost lead to this machine (RFC 6761), and each name right below
// it is a site of its own, as example.com and example.org are.
const (
	desktopLook = "www.shop.localhost"
	mobileLook  = "m.shop.localhost"
	adHost      = "ads.adnet.localhost"
	tagHost     = "tags.tracker.localhost"
)

// heroSlowness is how much later the hero picture comes when it is slow: between the limits of good and fair.
const heroSlowness = 2500 * time.Millisecond

// look is the campaign's landing page, which only a browser sees as customers do: a hero picture, an advertisement of
// another site in a frame, scripts.
type look struct {
	shop *Shop
	page *template.Template
	hero []byte
	port string
}

// lookView is what the landing page shows.
type lookView struct {
	Mobile, Banner, Tag, Busy bool
	Ads, Tags                 string // origins
	Products                  []product
}

// openLook starts the server of the landing page. It is plain http: browsers trust their own machine without a
// certificate, and cannot be given an authority of one demo.
func (s *Shop) openLook(ctx context.Context) (*server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &look{shop: s, page: template.Must(template.New("look").Parse(lookTemplate)), hero: heroPicture()}
	if _, l.port, err = net.SplitHostPort(listener.Addr().String()); err != nil {
		return nil, err
	}
	served := &server{url: "http://" + listener.Addr().String(), Server: newServer(l.handler())}
	s.serving.Go(func() {
		_ = served.Serve(listener) // it returns when the server is closed
	})
	return served, nil
}

// lookAt returns the origin of a host of the landing page.
func (s *Shop) lookAt(host string) string {
	_, port, _ := strings.Cut(strings.TrimPrefix(s.look.url, "http://"), ":")
	return "http://" + host + ":" + port
}

// handler serves all hosts of the page.
func (l *look) handler() http.Handler {
	mux := http.NewServeMux()
	for _, host := range []string{desktopLook, mobileLook} {
		mux.HandleFunc("GET "+host+"/autumn", l.show)
		mux.HandleFunc("GET "+host+"/hero.jpg", l.picture)
	}
	text := func(pattern, media, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { l.send(w, media, []byte(body)) })
	}
	text("GET /look.css", "text/css", lookStyle)
	text("GET "+adHost+"/frame", "text/html; charset=utf-8", adFrame)
	text("GET "+adHost+"/ad.svg", "image/svg+xml", adPicture)
	text("GET "+tagHost+"/tag.js", "text/javascript", "window.dataLayer = [];\n"+strings.Repeat("// a tag that nobody approved, made up\n", 400))
	return mux
}

func (l *look) show(w http.ResponseWriter, r *http.Request) {
	l.shop.work(r)
	var body bytes.Buffer
	err := l.page.Execute(&body, lookView{
		Mobile: strings.HasPrefix(r.Host, mobileLook),
		Banner: l.shop.on(shiftingBanner), Tag: l.shop.on(strangeTag), Busy: l.shop.on(busyScript),
		Ads: "http://" + adHost + ":" + l.port, Tags: "http://" + tagHost + ":" + l.port,
		Products: products(),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	l.send(w, "text/html; charset=utf-8", body.Bytes())
}

func (l *look) picture(w http.ResponseWriter, r *http.Request) {
	if l.shop.on(slowHero) {
		l.shop.wait(r.Context().Done(), heroSlowness)
	}
	l.send(w, "image/jpeg", l.hero)
}

func (l *look) send(w http.ResponseWriter, media string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", media)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the customer may have gone
}

// heroPicture draws hills in autumn colours: a picture as large as such pictures are.
func heroPicture() []byte {
	const width, height, quality = 1200, 560, 88
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	grain := rand.New(rand.NewPCG(1, 2))
	for x := range width {
		hills := [...]int{
			height/2 + triangle(x, 700)/6, height*5/8 + triangle(x+250, 520)/7, height*3/4 + triangle(x+90, 380)/8,
		}
		for y := range height {
			c := color.RGBA{R: 250, G: uint8(214 - y/8), B: uint8(150 - y/12), A: 255}
			for i, top := range hills {
				if y > top {
					c = [...]color.RGBA{{214, 140, 84, 255}, {178, 92, 58, 255}, {110, 58, 48, 255}}[i]
				}
			}
			noise := uint8(grain.UintN(9))
			picture.SetRGBA(x, y, color.RGBA{R: c.R - noise/2, G: c.G + noise, B: c.B + noise, A: 255})
		}
	}
	var encoded bytes.Buffer
	if err := jpeg.Encode(&encoded, picture, &jpeg.Options{Quality: quality}); err != nil {
		panic(fmt.Sprintf("demo picture: %v", err)) // drawn by the program
	}
	return encoded.Bytes()
}

// triangle is a wave with straight sides between minus and plus a quarter of its length.
func triangle(x, length int) int {
	x %= length
	if x > length/2 {
		x = length - x
	}
	return x - length/4
}

const lookStyle = `body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; color: #2b2118; background: #fffaf3 }
header, main, footer { padding: 0 16px }
.hero { display: block; width: 100%; height: auto; aspect-ratio: 1200 / 560 }
.products { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 16px }
article { border: 1px solid #e4d6c3; border-radius: 8px; padding: 16px }
iframe { border: 0; width: 300px; height: 120px; display: block; margin: 16px }
.banner { height: 150px; padding: 16px; box-sizing: border-box; background: #7a3b2e; color: #fff; font-size: 24px }
`

const adFrame = `<!doctype html><title>Advertisement (made up)</title><body style="margin:0"><img style="display:block" src="/ad.svg" width="300" height="120" alt="An advertisement, made up">`

const adPicture = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="120"><rect width="300" height="120" fill="#2e5d7a"/>` +
	`<text x="24" y="66" fill="#fff" font-family="sans-serif" font-size="20">Tea, made up</text></svg>`
