// Package notify tells people of incidents by e-mail and by webhook. It is made for those who run no Alertmanager: it
// groups the alerts of a channel into one incident, and sends one message when the incident begins and one when it ends,
// to both owners, with a sentence for either side.
//
// An incident is one channel, or the agent at one place for alerts without a channel. It begins when an alert has fired
// for the time to gather alerts, and ends when none has fired for a minute, so that a relapse within it belongs to the
// same incident. There is one message at its beginning and one at its end, and never more: what joins or gets worse
// meanwhile stands in the message about the end. The lesser alert of a pair is not told while the worse one fires, as in
// the configuration of Alertmanager in configs/alertmanager.
//
// Incidents and messages that wait survive a restart in a small file. A message that was in the air in the moment of a
// crash may be sent once more; it has the same Message-ID then. A receiver that fails is tried again for a day and holds
// up no other. When an incident ends before anybody could be told of its beginning, one message tells of both.
//
// A webhook is posted a message in the form of Slack, and the incident for programs beside it: see the types payload and
// machine.
//
// The package may import the domain, metrics, and a library for mail. It evaluates no rule and rates nothing: it is
// handed alerts, and prints the sentences that they bring.
package notify

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Alert is an alert that fires or has ended. Its maps must not be changed any more.
type Alert struct {
	Labels, Annotations map[string]string
	Started             time.Time
	Ended               time.Time // zero while it fires
}

// Options configures a Notifier.
type Options struct {
	Config
	File        string         // holds incidents and waiting messages over a restart; made with its directory
	ExternalURL string         // of the agent's page, for links; empty for none
	Location    string         // of the agent
	Version     string         // of the agent, told to servers
	Zone        *time.Location // of times in messages; nil is that of the machine
	Log         *slog.Logger
}

// Notifier turns alerts into messages. Make one with New; it works while Run does.
type Notifier struct {
	file  string
	log   *slog.Logger
	retry backoff

	inbox inbox

	// What follows belongs to Run.
	tracker tracker
	queues  []*queue
	results chan result
	flying  int
	dirty   bool // differs from what is in the file
	unsaved bool // the file could not be written the last time

	mu    sync.Mutex
	stats Stats
}

// New returns a notifier, or all mistakes in its configuration as joined probe.FieldErrors whose fields are below the
// block notify. It reads secrets to look at them, and starts nothing.
func New(opts Options) (*Notifier, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	opts.Location = cmp.Or(opts.Location, "this place")
	f := form{pages: strings.TrimSuffix(opts.ExternalURL, "/"), zone: cmp.Or(opts.Zone, time.Local)}
	var queues []*queue
	if opts.Email != nil {
		queues = append(queues, newQueue("email", emailReceiver, newEmail(*opts.Email, opts.Version, f)))
	}
	for i, hook := range opts.Webhooks {
		queues = append(queues, newQueue(hook.key(opts.Webhooks[:i]), webhookReceiver, newWebhook(hook, opts.Version, f)))
	}
	return newNotifier(opts, queues), nil
}

func newNotifier(opts Options, queues []*queue) *Notifier {
	n := &Notifier{
		file:    filepath.Clean(opts.File),
		log:     opts.Log,
		retry:   defaultBackoff(),
		inbox:   newInbox(),
		tracker: newTracker(opts.GroupWait, cmp.Or(opts.Hold, DefaultConfig().Hold), opts.Location),
		queues:  queues,
		results: make(chan result, len(queues)), // one message of a receiver is in the air at a time
	}
	n.count()
	return n
}

// Alerts hands over which alerts fire and which have ended, as often as they are evaluated; what has been said before
// changes nothing. Alerts that are not among them stay as they were: those of one rule group can come alone. It is
// safe for concurrent use and returns at once, whether Run runs or not.
func (n *Notifier) Alerts(alerts []Alert) { n.inbox.put(alerts, time.Now()) }

// Run reads the file and works until ctx ends, then lets messages in the air arrive for some seconds. It returns nil:
// whatever goes wrong is logged, counted and tried again. It must run at most once.
func (n *Notifier) Run(ctx context.Context) error {
	n.load(time.Now())
	sending, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	for {
		var due <-chan time.Time // never, when nothing is to come
		if next := n.step(sending, time.Now()); !next.IsZero() {
			due = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
			n.land(abort)
			return nil
		case <-n.inbox.filled:
		case r := <-n.results:
			n.finish(r, time.Now())
		case <-due:
		}
	}
}

// landing is how long messages in the air may take when the notifier is stopped. To break one off could mean to send
// it twice.
const landing = 5 * time.Second

// land waits for the messages in the air and writes down how they did.
func (n *Notifier) land(abort func()) {
	broken := time.AfterFunc(landing, abort)
	defer broken.Stop()
	for n.flying > 0 {
		n.finish(<-n.results, time.Now())
	}
	n.receive()
	n.dirty = n.tracker.changed() || n.dirty
	n.save()
	n.count()
}

// step does all that is due and returns when something will be. What is to be sent is written down first.
func (n *Notifier) step(ctx context.Context, now time.Time) (next time.Time) {
	n.receive()
	events, next := n.tracker.step(now)
	for _, e := range events {
		n.dirty = true
		for _, q := range n.queues {
			n.enqueue(q, e, now)
		}
	}
	n.dirty = n.tracker.changed() || n.dirty
	n.save()
	for _, q := range n.queues {
		if t := q.due(now); t != nil {
			late := q.late(t)
			n.flying++
			go func() { n.results <- result{q, t, q.send(ctx, t, late)} }()
		}
		next = soonest(next, q.next())
	}
	n.count()
	return next
}

// receive hands what came in to the tracker.
func (n *Notifier) receive() {
	for _, a := range n.inbox.take() {
		if !n.tracker.observe(a.Alert, a.seen) {
			n.log.Warn("too many alerts at the same time, one is not told", "alert", a.Labels[nameLabel], "most", mostAlerts)
		}
	}
}

// soonest returns the earlier of two times; zero times are never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
