package pushservice

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// maxBacklog is how many messages are kept for one receiver; one that has more is forgotten, as by autopush.
const maxBacklog = 150

// store knows receivers, their subscriptions and their messages. It opens no connection, so that its times can be tested
// with a clock of their own. It is safe for concurrent use.
type store struct {
	mu       sync.Mutex
	users    map[string]*user         // by uaid
	channels map[string]*subscription // by token, the last part of the endpoint
	gone     map[string]bool          // tokens of former subscriptions
	acks     map[int]int              // by code
}

// user is a receiver.
type user struct {
	uaid    string
	session *session // nil while it is away
	waiting []*message
}

// subscription is where messages for one sender's purpose go.
type subscription struct {
	user    *user
	channel string // the receiver's name for it
	token   string
	key     string // of the only sender that may use it; empty for all
}

// message is what was sent and is not yet acknowledged.
type message struct {
	to      *subscription
	version string // its name
	data    []byte
	topic   string
	ttl     time.Duration
	expires time.Time
}

func newStore() *store {
	return &store{
		users: make(map[string]*user), channels: make(map[string]*subscription), gone: make(map[string]bool), acks: make(map[int]int),
	}
}

// connect makes session that of the receiver uaid, which is made when nobody has that name, and returns its name and what
// waits for it. A session it had before is returned to be ended.
func (st *store) connect(uaid string, s *session) (name string, waiting []*message, former *session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	u := st.users[uaid]
	if u == nil {
		u = &user{uaid: newName()}
		st.users[u.uaid] = u
	}
	former, u.session = u.session, nil
	u.expire(time.Now())
	u.session = s
	return u.uaid, slices.Clone(u.waiting), former
}

// disconnect ends a session. What was on its way and had no TTL is gone.
func (st *store) disconnect(uaid string, s *session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	u := st.users[uaid]
	if u == nil || u.session != s {
		return
	}
	u.session = nil
	u.expire(time.Now())
}

// subscribe makes a subscription of the receiver and returns its token.
func (st *store) subscribe(uaid, channel, key string) (token string, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	u := st.users[uaid]
	if u == nil {
		return "", false
	}
	sub := &subscription{user: u, channel: channel, token: newName(), key: key}
	st.channels[sub.token] = sub
	return sub.token, true
}

// unsubscribe ends a subscription of the receiver.
func (st *store) unsubscribe(uaid, channel string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.endLocked(func(sub *subscription) bool { return sub.user.uaid == uaid && sub.channel == channel })
}

// endLocked ends all subscriptions that are chosen, with their messages.
func (st *store) endLocked(chosen func(*subscription) bool) {
	for token, sub := range st.channels {
		if chosen(sub) {
			delete(st.channels, token)
			st.gone[token] = true
			sub.user.waiting = slices.DeleteFunc(sub.user.waiting, func(m *message) bool { return m.to == sub })
		}
	}
}

// find returns the subscription with a token; nil when there is none, and then whether there was one.
func (st *store) find(token string) (sub *subscription, gone bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.channels[token], st.gone[token]
}

// put takes in a message and returns the session to deliver it to; nil when its receiver is away: it waits for its TTL then,
// and in place of an older one with the same topic.
func (st *store) put(m *message) *session {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.channels[m.to.token] != m.to {
		return nil // its receiver was forgotten meanwhile
	}
	u, now := m.to.user, time.Now()
	u.expire(now)
	if u.session == nil && m.ttl == 0 {
		return nil
	}
	m.expires = now.Add(m.ttl)
	if m.topic != "" {
		u.waiting = slices.DeleteFunc(u.waiting, func(w *message) bool { return w.to == m.to && w.topic == m.topic })
	}
	u.waiting = append(u.waiting, m)
	if u.session == nil && len(u.waiting) > maxBacklog {
		delete(st.users, u.uaid)
		st.endLocked(func(sub *subscription) bool { return sub.user == u })
	}
	return u.session
}

// acknowledge ends a message.
func (st *store) acknowledge(uaid, version string, code int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.acks[code]++
	if u := st.users[uaid]; u != nil {
		u.waiting = slices.DeleteFunc(u.waiting, func(m *message) bool { return m.version == version })
	}
}

func (st *store) acksOf(code int) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.acks[code]
}

// sessions returns the sessions of all receivers that are there.
func (st *store) sessions() []*session {
	st.mu.Lock()
	defer st.mu.Unlock()
	var all []*session
	for u := range maps.Values(st.users) {
		if u.session != nil {
			all = append(all, u.session)
		}
	}
	return all
}

// reset forgets all receivers and returns their sessions.
func (st *store) reset() []*session {
	all := st.sessions()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.endLocked(func(*subscription) bool { return true })
	clear(st.users)
	return all
}

// expire removes messages whose time is over; those without a TTL live as long as the connection that they were sent on.
func (u *user) expire(now time.Time) {
	u.waiting = slices.DeleteFunc(u.waiting, func(m *message) bool { return !now.Before(m.expires) && (m.ttl > 0 || u.session == nil) })
}
