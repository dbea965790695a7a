package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The uids of the dashboards. People bookmark and provision them: they never change.
const (
	sharedUID     = "channelwatch-shared"
	channelUID    = "channelwatch-channel"
	hostsUID      = "channelwatch-hosts"
	operationsUID = "channelwatch-operations"
	webUID        = "channelwatch-web"
	pushUID       = "channelwatch-push"
	journeysUID   = "channelwatch-journeys"
)

// link leads from a value to the dashboard that explains it.
type link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// The URLs have no slash in front, so that they also hold where Grafana is served below a path.
func to(uid, variables string) string {
	return "d/" + uid + "?" + variables + "${datasource:queryparam}&${__url_time_range}"
}

// channelOfSeries leads to the channel that a tile or a band of a timeline stands for.
func channelOfSeries() []link {
	return []link{{"Open the channel", to(channelUID, "var-channel=${__field.labels.channel}&")}}
}

// channelOfRow leads to the channel of a table's row or of a bar.
func channelOfRow() []link {
	return []link{{"Open the channel", to(channelUID, "var-channel=${__data.fields.channel}&")}}
}

// touchpointOfSeries narrows the channel's dashboard down to one touchpoint.
func touchpointOfSeries() []link {
	return []link{{"Show only this touchpoint", to(channelUID, "var-channel=${__field.labels.channel}&var-touchpoint=${__field.labels.touchpoint}&")}}
}

func touchpointOfRow() []link {
	return []link{{"Show only this touchpoint", to(channelUID, "var-channel=${__data.fields.channel}&var-touchpoint=${__data.fields.touchpoint}&")}}
}

// pageOfRow leads to the figures of one page in a browser.
func pageOfRow() []link {
	return []link{{"Show only this page", to(webUID, "var-channel=${__data.fields.channel}&var-touchpoint=${__data.fields.touchpoint}&")}}
}

// messagesOfRow leads to what became of the messages of one touchpoint.
func messagesOfRow() []link {
	return []link{{"Show only these messages", to(pushUID, "var-channel=${__data.fields.channel}&var-touchpoint=${__data.fields.touchpoint}&")}}
}

// asDataLinks is the form in which the SDK takes links of values, which it models as links of dashboards.
func asDataLinks(links []link) []cog.Builder[dashboard.DashboardLink] {
	all := make([]cog.Builder[dashboard.DashboardLink], 0, len(links))
	for _, l := range links {
		all = append(all, dashboard.NewDashboardLinkBuilder(l.Title).Type(dashboard.DashboardLinkTypeLink).Url(l.URL))
	}
	return all
}

// panelLink is offered in the head of a panel.
func panelLink(title, uid string) []dashboard.DashboardLink {
	url := to(uid, "")
	return []dashboard.DashboardLink{{Title: title, Type: dashboard.DashboardLinkTypeLink, Url: &url, Tags: []string{}, Icon: "dashboard"}}
}

func toShared() []dashboard.DashboardLink     { return panelLink("All channels", sharedUID) }
func toOperations() []dashboard.DashboardLink { return panelLink("How the agents do", operationsUID) }
func toWeb() []dashboard.DashboardLink        { return panelLink("What browsers load", webUID) }

func toPush() []dashboard.DashboardLink { return panelLink("What becomes of messages", pushUID) }

func toHosts() []dashboard.DashboardLink { return panelLink("Could a host explain it?", hostsUID) }
