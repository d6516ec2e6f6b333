package session

import (
	"context"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/recording"
)

// reasonCodes lists the codes of a category.
func reasonCodes(category gc.ReasonCategory) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		askFor(s, r, func(ctx context.Context, n Node, c finesse.Credentials) ([]gc.ReasonCode, error) {
			if category == gc.WrapUpReasons {
				return n.WrapUpReasons(ctx, c)
			}
			return n.ReasonCodes(ctx, c, category)
		}, func(codes []gc.ReasonCode) gc.Event {
			if category == gc.WrapUpReasons {
				s.wrapUps = codes
			}
			return gc.ReasonCodes{Agent: s.Agent, FullName: s.known.FullName(), Category: category, Codes: codes}
		})
	}
}

// getAllAgents lists who is signed in, as the administrator sees it.
func (s *Session) getAllAgents(r *Request) {
	askFor(s, r, func(ctx context.Context, n Node, _ finesse.Credentials) ([]gc.TeamUser, error) {
		return n.AllUsers(ctx)
	}, func(users []gc.TeamUser) gc.Event {
		users = slices.DeleteFunc(users, func(u gc.TeamUser) bool { return u.State == gc.LoggedOut })
		return gc.Agents{Agent: s.Agent, Users: users}
	})
}

func (s *Session) getQueueList(r *Request) {
	askFor(s, r, func(ctx context.Context, n Node, c finesse.Credentials) ([]gc.Queue, error) {
		return n.Queues(ctx, c)
	}, func(queues []gc.Queue) gc.Event { return gc.QueueList{Agent: s.Agent, Queues: queues} })
}

func phoneBooks(ctx context.Context, n Node, c finesse.Credentials) ([]finesse.PhoneBook, error) {
	return n.PhoneBooks(ctx, c)
}

// getPhonebooks lists the books of all teams and of the agent's own.
func (s *Session) getPhonebooks(r *Request) {
	askFor(s, r, phoneBooks, func(books []finesse.PhoneBook) gc.Event {
		return gc.Phonebooks{Agent: s.Agent, Books: booksOf(books, func(gc.Phonebook) bool { return true })}
	})
}

// getTeamPhonebooks lists the books of a team, by default the agent's own.
func (s *Session) getTeamPhonebooks(r *Request) {
	own := r.Team == "" || r.Team == s.known.User().TeamID
	askFor(s, r, func(ctx context.Context, n Node, c finesse.Credentials) ([]finesse.PhoneBook, error) {
		if own {
			return n.PhoneBooks(ctx, c)
		}
		return n.TeamPhoneBooks(ctx, c, r.Team)
	}, func(books []finesse.PhoneBook) gc.Event {
		e := gc.TeamPhonebooks{Agent: s.Agent, Team: r.Team, Books: booksOf(books, func(b gc.Phonebook) bool { return b.Type == "TEAM" })}
		if own {
			e.Team = s.known.User().TeamID
		}
		return e
	})
}

func booksOf(books []finesse.PhoneBook, want func(gc.Phonebook) bool) []gc.Phonebook {
	var wanted []gc.Phonebook
	for _, b := range books {
		if want(b.Phonebook) {
			wanted = append(wanted, b.Phonebook)
		}
	}
	return wanted
}

// getPhonebookContacts lists the contacts of a book; one that the agent does
// not have has none. Agents cannot read a single book, so all are read.
func (s *Session) getPhonebookContacts(r *Request) {
	askFor(s, r, phoneBooks, func(books []finesse.PhoneBook) gc.Event {
		e := gc.PhonebookContacts{Agent: s.Agent, Book: r.Phonebook}
		for _, b := range books {
			if b.ID == r.Phonebook {
				e.Contacts = b.Contacts
			}
		}
		return e
	})
}

// record asks the site's recorder what to do with the call the agent has. It
// has no answer but an error.
func record(do func(Recorder, context.Context, recording.Call) error) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		live := s.known.LiveCalls()
		i := slices.IndexFunc(live, func(c gc.Call) bool { return c.State == gc.Active })
		if i < 0 {
			s.refuse(r, gc.NoDialogID, "the agent has no call that is being recorded")
			return
		}
		which := recording.Call{Agent: s.Agent, Extension: s.known.Extension(), Dialog: live[i].Dialog}
		s.ask(query{holdsLine: true, put: func(ctx context.Context, _ Node, _ finesse.Credentials) error {
			return do(s.Recorder, ctx, which)
		}, then: func(err error) {
			if err != nil {
				s.fail(r, err)
				return
			}
			s.silent(r)
		}})
	}
}
