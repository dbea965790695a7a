package page

import (
	"fmt"
	"net/http"
	"strings"
)

// The device profiles.
const (
	desktop = "desktop"
	phone   = "phone"
)

// chromium is the major version of the browser that the profiles take after. Servers that serve by browser treat old
// ones differently, so it follows the stable channel.
const chromium = "156"

// userAgent returns the user agent of a browser on the device, with the agent's product token at its end, so that the
// owner of the page can tell probes from customers. The rest is what Chromium sends since it reduced its user agent.
func userAgent(device, product string) string {
	platform, mobile := "Windows NT 10.0; Win64; x64", ""
	if device == phone {
		platform, mobile = "Linux; Android 10; K", "Mobile "
	}
	agent := fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 %sSafari/537.36",
		platform, chromium, mobile)
	if product == "" {
		return agent
	}
	return agent + " " + product
}

// deviceHeader returns what a browser on the device sends when somebody types in an address: content negotiation,
// client hints (wicg.github.io/ua-client-hints), and the viewport hints that servers with adaptive pages ask for.
func deviceHeader(device, product string) http.Header {
	mobile, platform, width, ratio := "?0", "Windows", "1920", "1"
	if device == phone {
		mobile, platform, width, ratio = "?1", "Android", "412", "2.625"
	}
	brands := fmt.Sprintf(`"Chromium";v="%s", "Not A(Brand";v="24"`, chromium)
	if name, version, ok := strings.Cut(product, "/"); ok {
		major, _, _ := strings.Cut(version, ".")
		brands += fmt.Sprintf(`, "%s";v="%s"`, name, major)
	}
	return http.Header{
		"Accept":                    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
		"Accept-Language":           {"en-US,en;q=0.9"},
		"Sec-Ch-Dpr":                {ratio},
		"Sec-Ch-Ua":                 {brands},
		"Sec-Ch-Ua-Mobile":          {mobile},
		"Sec-Ch-Ua-Platform":        {`"` + platform + `"`},
		"Sec-Ch-Viewport-Width":     {width},
		"Sec-Fetch-Dest":            {"document"},
		"Sec-Fetch-Mode":            {"navigate"},
		"Sec-Fetch-Site":            {"none"},
		"Sec-Fetch-User":            {"?1"},
		"Upgrade-Insecure-Requests": {"1"},
		"User-Agent":                {userAgent(device, product)},
	}
}
