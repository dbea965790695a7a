package notify

import (
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	netmail "net/mail"
	"strings"
	texttemplate "text/template"

	"github.com/wneessen/go-mail"
)

//go:embed templates
var templates embed.FS

// letter is what the templates of a mail print.
type letter struct {
	Look      look
	Subject   string
	Headline  string
	Title     string
	When      string
	Remarks   []string
	Marketing string
	IT        string
	Ended     bool
	Owners    []owner
	Alerts    []string
	More      int
	Link      string
	Here      string
}

// owner is one side of a channel.
type owner struct{ Side, Name string }

func (f form) letter(n *notice, late bool) letter {
	l := letter{
		Look: n.look(), Subject: subject(n), Headline: n.Alerts[0].Headline, Title: n.Title, When: f.when(n), Remarks: f.remarks(n, late),
		Marketing: n.Marketing, IT: n.IT, Ended: n.Ended, More: n.More, Link: f.link(n), Here: n.Here,
	}
	if n.OwnerIT != "" {
		l.Owners = append(l.Owners, owner{"IT", n.OwnerIT})
	}
	if n.OwnerMarketing != "" {
		l.Owners = append(l.Owners, owner{"Marketing", n.OwnerMarketing})
	}
	for _, a := range n.Alerts {
		l.Alerts = append(l.Alerts, f.alert(a, n))
	}
	return l
}

// compose writes a mail.
func (e *email) compose(n *notice, late bool) (*mail.Msg, error) {
	l := e.form.letter(n, late)
	var text, html strings.Builder
	if err := texttemplate.Must(texttemplate.ParseFS(templates, "templates/mail.txt")).Execute(&text, l); err != nil {
		return nil, fmt.Errorf("writing the text of a mail: %w", err)
	}
	if err := htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/mail.html")).Execute(&html, l); err != nil {
		return nil, fmt.Errorf("writing the HTML of a mail: %w", err)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(e.conf.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	msg.ToMailAddress(e.recipients(n)...)
	msg.Subject(l.Subject)
	msg.SetDateWithValue(n.At.In(e.form.zone))
	e.thread(msg, n, late)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday answers
	msg.SetGenHeader(mail.HeaderUserAgent, agent(e.version))
	msg.SetBodyString(mail.TypeTextPlain, text.String())
	msg.AddAlternativeString(mail.TypeTextHTML, html.String())
	return msg, nil
}

// thread gives a message its identifier, which is the same at every try, and puts the end below the beginning.
func (e *email) thread(msg *mail.Msg, n *notice, late bool) {
	domain := "channelwatch.invalid"
	if from, err := netmail.ParseAddress(e.conf.From); err == nil {
		if _, after, ok := strings.Cut(from.Address, "@"); ok && ascii([]string{after}) {
			domain = after
		}
	}
	opened := fmt.Sprintf("channelwatch.%s.opened@%s", n.ID, domain)
	if !n.Ended {
		msg.SetMessageIDWithValue(opened)
		return
	}
	msg.SetMessageIDWithValue(fmt.Sprintf("channelwatch.%s.ended@%s", n.ID, domain))
	if !late {
		msg.SetGenHeader(mail.HeaderInReplyTo, "<"+opened+">")
		msg.SetGenHeader(mail.HeaderReferences, "<"+opened+">")
	}
}

// agent is how the notifier calls itself.
func agent(version string) string {
	return "Channelwatch/" + strings.ReplaceAll(cmp.Or(line(version, mostLine), "unknown"), " ", "-")
}
