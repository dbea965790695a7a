package har

import "time"

// The objects of the format, with what it demands and what visits have. Lists that it demands are never null.

type archive struct {
	Log log `json:"log"`
}

type log struct {
	Version string   `json:"version"`
	Creator program  `json:"creator"`
	Browser *program `json:"browser,omitempty"`
	Pages   []page   `json:"pages"`
	Entries []entry  `json:"entries"`
}

type program struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type page struct {
	Start   time.Time          `json:"startedDateTime"`
	ID      string             `json:"id"`
	Title   string             `json:"title"`
	Timings pageTimings        `json:"pageTimings"`
	Comment string             `json:"comment,omitempty"`
	URL     string             `json:"_url"`
	Vitals  map[string]float64 `json:"_vitals,omitempty"` // seconds, but cls
}

type pageTimings struct {
	ContentLoad float64 `json:"onContentLoad"`
	Load        float64 `json:"onLoad"`
}

type entry struct {
	Page      string    `json:"pageref"`
	Start     time.Time `json:"startedDateTime"`
	Time      float64   `json:"time"`
	Request   request   `json:"request"`
	Response  response  `json:"response"`
	Cache     none      `json:"cache"`
	Timings   timings   `json:"timings"`
	Type      string    `json:"_resourceType,omitempty"`
	FromCache string    `json:"_fromCache,omitempty"`
}

// none is an object that nothing is known of.
type none struct{}

// message is what requests and responses have in common.
type message struct {
	Cookies    []none `json:"cookies"`
	Header     []none `json:"headers"`
	HeaderSize int    `json:"headersSize"`
	BodySize   int    `json:"bodySize"`
}

func nothing() message { return message{[]none{}, []none{}, unknown, unknown} }

type request struct {
	Method  string `json:"method"`
	URL     string `json:"url"`
	Version string `json:"httpVersion"`
	message
	Query []none `json:"queryString"`
}

type response struct {
	Status     int    `json:"status"`
	StatusText string `json:"statusText"`
	Version    string `json:"httpVersion"`
	message
	Content     content `json:"content"`
	RedirectURL string  `json:"redirectURL"`
	Transferred int64   `json:"_transferSize"`
	Error       string  `json:"_error,omitempty"`
}

type content struct {
	Size int64  `json:"size"`
	MIME string `json:"mimeType"`
}

type timings struct {
	Blocked float64 `json:"blocked"`
	DNS     float64 `json:"dns"`
	Connect float64 `json:"connect"`
	TLS     float64 `json:"ssl"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}
