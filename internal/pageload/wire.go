package pageload

import (
	"math"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// What the browser tells, as far as it is used. Timestamps are seconds of its monotonic clock unless said otherwise.
type (
	wireResponse struct {
		Status            int         `json:"status"`
		MIME              string      `json:"mimeType"`
		Protocol          string      `json:"protocol"`
		Bytes             float64     `json:"encodedDataLength"`
		FromDiskCache     bool        `json:"fromDiskCache"`
		FromServiceWorker bool        `json:"fromServiceWorker"`
		Timing            *wireTiming `json:"timing"`
	}
	// wireTiming has milliseconds since RequestTime; -1 for what did not happen.
	wireTiming struct {
		RequestTime      float64 `json:"requestTime"`
		DNSStart         float64 `json:"dnsStart"`
		DNSEnd           float64 `json:"dnsEnd"`
		ConnectStart     float64 `json:"connectStart"`
		ConnectEnd       float64 `json:"connectEnd"`
		TLSStart         float64 `json:"sslStart"`
		TLSEnd           float64 `json:"sslEnd"`
		SendStart        float64 `json:"sendStart"`
		SendEnd          float64 `json:"sendEnd"`
		ReceiveStart     float64 `json:"receiveHeadersStart"`
		ReceiveHeaderEnd float64 `json:"receiveHeadersEnd"`
	}
	requestWillBeSent struct {
		ID        string  `json:"requestId"`
		Loader    string  `json:"loaderId"`
		Frame     string  `json:"frameId"`
		Type      string  `json:"type"`
		Timestamp float64 `json:"timestamp"`
		WallTime  float64 `json:"wallTime"` // seconds since 1970
		Request   struct {
			URL          string `json:"url"`
			Method       string `json:"method"`
			MixedContent string `json:"mixedContentType"`
		} `json:"request"`
		Redirect *wireResponse `json:"redirectResponse"`
	}
	responseReceived struct {
		ID       string       `json:"requestId"`
		Type     string       `json:"type"`
		Response wireResponse `json:"response"`
	}
	dataReceived struct {
		ID    string  `json:"requestId"`
		Bytes float64 `json:"encodedDataLength"`
	}
	loadingFinished struct {
		ID        string  `json:"requestId"`
		Timestamp float64 `json:"timestamp"`
		Bytes     float64 `json:"encodedDataLength"`
	}
	loadingFailed struct {
		ID        string  `json:"requestId"`
		Timestamp float64 `json:"timestamp"`
		Error     string  `json:"errorText"`
		Canceled  bool    `json:"canceled"`
		Blocked   string  `json:"blockedReason"`
	}
	webSocketCreated struct {
		ID  string `json:"requestId"`
		URL string `json:"url"`
	}
	webSocketHandshake struct {
		ID        string  `json:"requestId"`
		Timestamp float64 `json:"timestamp"`
		Response  struct {
			Status int `json:"status"`
		} `json:"response"`
	}
	targetEvent struct {
		Target cdp.TargetInfo `json:"targetInfo"`
	}
	targetDetached struct {
		Session cdp.SessionID `json:"sessionId"`
	}
	frameStopped struct {
		Frame string `json:"frameId"`
	}
	requestID struct {
		ID string `json:"requestId"`
	}
	frameNavigated struct {
		Frame struct {
			ID          string `json:"id"`
			Loader      string `json:"loaderId"`
			URL         string `json:"url"`
			Unreachable string `json:"unreachableUrl"`
		} `json:"frame"`
	}
)

// longest is a time that no load takes: what a browser that went wrong tells is cut to it.
const longest = time.Hour

// seconds returns a duration of a browser's figure, which is no finer than a microsecond; 0 for what makes no sense.
func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(math.Round(min(s, longest.Seconds())*1e6)) * time.Microsecond
}

func milliseconds(ms float64) time.Duration { return seconds(ms / 1e3) }

// wireBytes returns a number of bytes; 0 for what makes no sense.
func wireBytes(n float64) int64 {
	if math.IsNaN(n) || n <= 0 {
		return 0
	}
	return int64(min(n, 1<<50))
}
