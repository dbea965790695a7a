package pageload

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// identity is who the browser says it is: the version that runs, and never that it has no window, which sites answer with
// other pages.
type identity struct {
	version string // such as 156.0.8078.79
	phone   bool
	product string
}

// identify asks the browser for its version.
func identify(ctx context.Context, conn *cdp.Conn, o Options) (identity, error) {
	var v struct {
		Product string `json:"product"` // such as HeadlessChrome/156.0.8078.79
	}
	if err := conn.Call(ctx, "", "Browser.getVersion", nil, &v); err != nil {
		return identity{}, err
	}
	_, version, ok := strings.Cut(v.Product, "/")
	if !ok || version == "" {
		return identity{}, fmt.Errorf("reading version of browser: got %q, want name/version", v.Product)
	}
	return identity{version, o.Device.Phone, o.Product}, nil
}

func (i identity) major() string {
	major, _, _ := strings.Cut(i.version, ".")
	return major
}

// userAgent follows Chromium's reduced User-Agent (chromium.org/updates/ua-reduction).
func (i identity) userAgent() string {
	platform, mobile := "X11; Linux x86_64", ""
	if i.phone {
		platform, mobile = "Linux; Android 10; K", "Mobile "
	}
	agent := fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 %sSafari/537.36", platform, i.major(), mobile)
	if i.product != "" {
		agent += " " + i.product
	}
	return agent
}

type brand struct {
	Brand   string `json:"brand"`
	Version string `json:"version"`
}

// override is the parameter of Emulation.setUserAgentOverride: the User-Agent, and the client hints that go with it.
func (i identity) override() map[string]any {
	brands := func(version, other string) []brand {
		return []brand{{"Chromium", version}, {"Not/A)Brand", other}}
	}
	hints := map[string]any{
		"brands": brands(i.major(), "24"), "fullVersionList": brands(i.version, "24.0.0.0"),
		"platform": "Linux", "platformVersion": "", "architecture": "x86", "bitness": "64", "model": "", "mobile": false, "wow64": false,
	}
	platform := "Linux x86_64"
	if i.phone {
		platform = "Linux armv81"
		hints["platform"], hints["platformVersion"], hints["model"], hints["mobile"] = "Android", "11.0.0", "moto g power (2022)", true
		hints["architecture"], hints["bitness"] = "", ""
	}
	return map[string]any{"userAgent": i.userAgent(), "platform": platform, "userAgentMetadata": hints}
}

// order is one call that prepares a session.
type order struct {
	method string
	params any
}

// everywhere are the orders for every session, frames and workers included.
func (o Options) everywhere(i identity) []order {
	orders := []order{
		// Bodies are not read, so the browser need not keep them.
		{"Network.enable", map[string]any{"maxTotalBufferSize": 1, "maxResourceBufferSize": 1, "maxPostDataSize": 0}},
		{"Runtime.enable", nil},
		{"Log.enable", nil},
		{"Emulation.setUserAgentOverride", i.override()},
	}
	if n := o.Device.Network; n != nil {
		orders = append(orders, order{"Network.emulateNetworkConditions", map[string]any{
			"offline": false, "latency": float64(n.Latency.Microseconds()) / 1e3,
			"downloadThroughput": throughput(n.Down), "uploadThroughput": throughput(n.Up),
		}})
	}
	return orders
}

// throughput returns bytes a second; the browser's word for no limit is -1.
func throughput(bits int64) float64 {
	if bits == 0 {
		return -1
	}
	return float64(bits) / 8
}

// frames are the further orders for a page and for its frames that have a session of their own.
func (o Options) frames() []order {
	orders := []order{{"Page.enable", nil}}
	if o.Device.Slowdown > 1 {
		orders = append(orders, order{"Emulation.setCPUThrottlingRate", map[string]any{"rate": o.Device.Slowdown}})
	}
	if o.Device.Phone {
		orders = append(orders, order{"Emulation.setTouchEmulationEnabled", map[string]any{"enabled": true, "maxTouchPoints": 5}})
	}
	return orders
}

// top are the further orders for the page itself.
func (o Options) top() []order {
	orders := []order{
		{"Performance.enable", nil},
		{"Target.setDiscoverTargets", map[string]any{"discover": true}}, // those of the tab's context
		{"Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}},
	}
	for _, script := range []string{vitalsScript, handsScript} {
		orders = append(orders, order{"Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": script, "worldName": world}})
	}
	if d := o.Device; d.Width > 0 && d.Height > 0 {
		orders = append(orders, order{"Emulation.setDeviceMetricsOverride", map[string]any{
			"width": d.Width, "height": d.Height, "screenWidth": d.Width, "screenHeight": d.Height,
			"deviceScaleFactor": d.Scale, "mobile": d.Phone,
		}})
	}
	return orders
}

// prepare gives orders to a session in turn.
func prepare(ctx context.Context, conn *cdp.Conn, session cdp.SessionID, orders []order) error {
	for _, o := range orders {
		if err := conn.Call(ctx, session, o.method, o.params, nil); err != nil {
			return err
		}
	}
	return nil
}

// prepareChild gives orders to the session of a frame or worker. Which domains a worker has depends on its sort: what it
// does not know is left out.
func prepareChild(ctx context.Context, conn *cdp.Conn, session cdp.SessionID, patience time.Duration, orders []order) error {
	for _, o := range orders {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return conn.Call(ctx, session, o.method, o.params, nil)
		}()
		_, refused := errors.AsType[*cdp.Error](err)
		if err != nil && !refused && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return err
		}
	}
	return nil
}
