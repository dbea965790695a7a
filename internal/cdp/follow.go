package cdp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// follower prepares every session that is attached below one.
type follower struct {
	ctx     context.Context
	prepare func(context.Context, SessionID, TargetInfo) error
}

// Follow attaches to every frame of another site and every worker that appears below root, and below those, so that their
// events reach the listeners of root too. Each of them waits until prepare has returned, which may call the child's
// session; only then does it begin to load. A child that prepare returns an error for runs on as it is: what is to become
// of it is for prepare to note. prepare is called on a goroutine of its own, of which there can be several, and returns soon
// after its context or the connection has ended. Follow returns when root is watched; it goes on preparing until ctx ends,
// and what appears after that keeps waiting, so root should be closed then.
func (c *Conn) Follow(ctx context.Context, root SessionID, prepare func(ctx context.Context, child SessionID, target TargetInfo) error) error {
	c.mu.Lock()
	c.followers[root] = &follower{ctx, prepare}
	c.mu.Unlock()
	if err := c.autoAttach(ctx, root); err != nil {
		c.mu.Lock()
		delete(c.followers, root)
		c.mu.Unlock()
		return err
	}
	return nil
}

// autoAttach is not recursive in the browser: it reaches direct children only, so each child is asked anew.
func (c *Conn) autoAttach(ctx context.Context, session SessionID) error {
	return c.Call(ctx, session, "Target.setAutoAttach", map[string]bool{
		"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
	}, nil)
}

// attached notes where a new session belongs before its first event can arrive, and has it prepared when it is followed.
func (c *Conn) attached(e Event) {
	var p struct {
		Session SessionID  `json:"sessionId"`
		Target  TargetInfo `json:"targetInfo"`
		Waiting bool       `json:"waitingForDebugger"`
	}
	if err := json.Unmarshal(e.Params, &p); err != nil {
		c.end(fmt.Errorf("decoding Target.attachedToTarget: %w", err))
		return
	}
	f, err := c.adopt(e.Session, p.Session)
	if err != nil {
		c.end(fmt.Errorf("decoding Target.attachedToTarget: %w", err))
		return
	}
	if f != nil {
		c.work.Go(func() { c.begin(f, p.Session, p.Target) })
	}
}

// adopt puts a child below its parent and returns who follows it, if anybody does.
func (c *Conn) adopt(parent, child SessionID) (*follower, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Who walks up from a session relies on arriving at the browser.
	for above := parent; above != ""; above = c.parents[above] {
		if above == child {
			return nil, fmt.Errorf("session %q is attached below itself", child)
		}
	}
	if child == "" {
		return nil, errors.New("no session")
	}
	if parent != "" {
		c.parents[child] = parent
	}
	return c.followerLocked(child), nil
}

// begin prepares a child and lets it run. Errors mean that the child, the root or the browser has gone meanwhile: there is
// nothing left to prepare.
func (c *Conn) begin(f *follower, child SessionID, target TargetInfo) {
	_ = f.prepare(f.ctx, child, target)
	_ = c.autoAttach(f.ctx, child)
	_ = c.Call(f.ctx, child, "Runtime.runIfWaitingForDebugger", nil, nil)
}

func (c *Conn) followerLocked(session SessionID) *follower {
	for session != "" {
		session = c.parents[session]
		if f := c.followers[session]; f != nil {
			return f
		}
	}
	return nil
}

// detached forgets a session with all below it, and answers the calls that still wait there: the browser never would.
func (c *Conn) detached(e Event) {
	var p struct {
		Session SessionID `json:"sessionId"`
	}
	if err := json.Unmarshal(e.Params, &p); err != nil {
		c.end(fmt.Errorf("decoding Target.detachedFromTarget: %w", err))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := map[SessionID]bool{p.Session: true}
	for session := range c.parents {
		for above := session; above != ""; above = c.parents[above] {
			if above == p.Session {
				gone[session] = true
			}
		}
	}
	maps.DeleteFunc(c.parents, func(s SessionID, _ SessionID) bool { return gone[s] })
	maps.DeleteFunc(c.followers, func(s SessionID, _ *follower) bool { return gone[s] })
	for id, pending := range c.calls {
		if gone[pending.session] {
			delete(c.calls, id)
			pending.answer <- answer{err: ErrDetached}
		}
	}
}
