package demo

import (
	"bytes"
	_ "embed"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed templates/config.yaml
var configTemplate string

// pushEvery is the shortest interval of push messages: the floor of their kind.
const pushEvery = 5 * time.Second

// settings is what the configuration is filled with. Texts are quoted for YAML.
type settings struct {
	Desktop, Mobile, App, Push  string
	CA, Token, History          string
	Every, Timeout              time.Duration
	PushEvery, PushTimeout      time.Duration
	Review                      string
	Visits                      time.Duration // 0: there is no browser
	Journeys                    time.Duration // 0: there are none
	WebPush                     time.Duration // 0: there is no web push service
	WebPushURL, VAPID           string
	DesktopLook, MobileLook     string
	Beacons                     string // where customers report; empty: they do not
	DesktopOrigin, MobileOrigin string
}

// Config returns the complete configuration of an agent that watches the shop.
func (s *Shop) Config() []byte {
	push := max(s.opts.Every, pushEvery)
	desktop, mobile, beacons, webPush := "", "", "", ""
	if s.field != nil {
		beacons = s.field.address
	}
	if s.look != nil {
		desktop, mobile = s.lookAt(desktopLook), s.lookAt(mobileLook)
	}
	if s.webPush != nil {
		webPush = "wss" + strings.TrimPrefix(s.webPush.url, "https")
	}
	var text bytes.Buffer
	err := template.Must(template.New("config").Parse(configTemplate)).Execute(&text, settings{
		Desktop: s.desktop.url, Mobile: s.mobile.url, App: s.app.url, Push: "mqtts://" + s.broker.Address(),
		CA: strconv.Quote(s.files.ca), Token: strconv.Quote(s.files.token),
		History: strconv.Quote(filepath.Join(s.opts.Dir, "history")),
		// The basket that hangs must be given up before it is due again.
		Every: s.opts.Every, Timeout: min(s.opts.Every, 4*time.Second),
		PushEvery: push, PushTimeout: 4500 * time.Millisecond,
		Review:   s.started.AddDate(0, 3, 0).Format(time.DateOnly),
		Journeys: s.opts.Journeys, WebPush: s.opts.WebPush, WebPushURL: webPush, VAPID: strconv.Quote(s.files.vapid),
		Visits: s.opts.Visits, DesktopLook: desktop, MobileLook: mobile,
		Beacons: beacons, DesktopOrigin: desktopOrigin, MobileOrigin: mobileOrigin,
	})
	if err != nil {
		panic(fmt.Sprintf("demo configuration: %v", err)) // the template is part of the program
	}
	return text.Bytes()
}
