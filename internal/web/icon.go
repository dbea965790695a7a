package web

import (
	"html/template"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// icon draws the type of a channel. It stands beside the title and says nothing that the title and the type do not.
func icon(channelType string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + //nolint:gosec // our own drawings
		drawing(probe.ChannelType(channelType)) + `</svg>`)
}

func drawing(t probe.ChannelType) string {
	switch t {
	case probe.DesktopWeb:
		return `<rect x="2.5" y="4" width="19" height="13" rx="1.5"/><path d="M8.5 21h7M12 17v4M2.5 8h19"/>`
	case probe.MobileWeb:
		return `<rect x="6.5" y="2" width="11" height="20" rx="2"/><path d="M6.5 6.5h11M6.5 17.5h11M12 20h.01"/>`
	case probe.MobileApp:
		return `<rect x="6.5" y="2" width="11" height="20" rx="2"/><path d="M12 19h.01M9.5 6.5h2v2h-2zM13 6.5h2v2h-2zM9.5 10.5h2v2h-2zM13 10.5h2v2h-2z"/>`
	case probe.Push:
		return `<path d="M18 9.5a6 6 0 0 0-12 0c0 6-2.5 7-2.5 7h17s-2.5-1-2.5-7M10 20a2.3 2.3 0 0 0 4 0"/>`
	case probe.DesktopDisplay:
		return `<rect x="2.5" y="4" width="19" height="13" rx="1.5"/><path d="M8.5 21h7M12 17v4M6.5 13.5l3-4 2.5 3 2-2 3.5 3"/>`
	case probe.MobileDisplay:
		return `<rect x="6.5" y="2" width="11" height="20" rx="2"/><path d="M9 12.5l2-3 1.5 2 1.5-1.5 1.5 2.5M12 19h.01"/>`
	case probe.Social:
		return `<circle cx="6" cy="12" r="2.8"/><circle cx="17.5" cy="5.5" r="2.8"/><circle cx="17.5" cy="18.5" r="2.8"/><path d="M8.5 10.6l6.5-3.7M8.5 13.4l6.5 3.7"/>`
	case probe.Email:
		return `<rect x="2.5" y="5" width="19" height="14" rx="1.5"/><path d="M3 6.5l9 7 9-7"/>`
	case probe.Integration:
		return `<path d="M4 8.5h13.5l-3.5-3.5M20 15.5H6.5l3.5 3.5"/>`
	case probe.Custom:
		return `<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12L4 7.5M12 12v9"/>`
	}
	return `<circle cx="12" cy="12" r="9"/>`
}
