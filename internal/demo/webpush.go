package demo

import (
	"context"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// webPush is the push service that delivers the shop's news to browsers.
type webPush struct {
	*server

	service *pushservice.Service
}

func (s *Shop) openWebPush(ctx context.Context, certs certificates) (*webPush, error) {
	service := pushservice.New(pushservice.Options{RequireVAPID: true, Fault: s.webPushFault})
	served, err := s.serve(ctx, certs, http1, service) // browsers hold a WebSocket, which is of HTTP/1.1
	if err != nil {
		return nil, err
	}
	return &webPush{served, service}, nil
}

// webPushFault is what goes wrong with a message that comes in now.
func (s *Shop) webPushFault() pushservice.Fault {
	switch {
	case s.on(webPushDown):
		return pushservice.Fault{Status: http.StatusServiceUnavailable}
	case s.on(webPushLost):
		return pushservice.Fault{Drop: true}
	case s.on(webPushLate):
		return pushservice.Fault{Delay: late}
	case s.on(webPushGarbled):
		return pushservice.Fault{Corrupt: true}
	}
	return pushservice.Fault{}
}

// Close ends the connections of browsers, then the server.
func (w *webPush) Close() error {
	_ = w.service.Close() // it has no server of its own that could fail
	return w.server.Close()
}
