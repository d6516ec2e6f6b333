package finesse

import (
	"context"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// PhoneBook is a phone book with what is in it. Agents can read a book's
// contacts in the list of books only; the requests for one book are the
// administrator's.
type PhoneBook struct {
	gc.Phonebook
	Contacts []gc.Contact
}

// allContacts is the most Finesse gives, over all books of a list together,
// and what it has to be asked for up to release 12.6(1).
const allContacts = "1-6000"

// PhoneBooks reads the phone books assigned to the agent, those for everybody
// first. Of more than 6000 contacts it gives the first 6000.
func (c *Client) PhoneBooks(ctx context.Context, who Credentials) ([]PhoneBook, error) {
	r := aboutUser(methodPhoneBooks, who, "/PhoneBooks")
	r.objects = allContacts
	return fetch(ctx, c, r, (*phoneBooksElement).phoneBooks)
}

// TeamPhoneBooks reads the phone books of a team, in the same way (release
// 12.5). Its members may; whoever is none, and who names a team that does not
// exist, gets GENERAL_ERROR.
func (c *Client) TeamPhoneBooks(ctx context.Context, who Credentials, team gc.TeamID) ([]PhoneBook, error) {
	r := aboutOthers(methodTeamPhoneBooks, who, "/TeamResource/"+url.PathEscape(string(team))+"/PhoneBooks")
	r.objects = allContacts
	return fetch(ctx, c, r, (*phoneBooksElement).phoneBooks)
}

type (
	phoneBooksElement struct {
		XMLName xml.Name           `xml:"phonebooks"`
		Books   []phoneBookElement `xml:"phonebook"`
	}

	// phoneBookElement holds no contacts where Finesse wrote the path to them
	// instead, as text in the same element.
	phoneBookElement struct {
		URI      text             `xml:"uri"`
		Name     text             `xml:"name"`
		Type     text             `xml:"type"`
		Contacts []contactElement `xml:"contacts>contact"`
	}

	contactElement struct {
		URI         text `xml:"uri"`
		FirstName   text `xml:"firstname"`
		LastName    text `xml:"lastname"`
		PhoneNumber text `xml:"phonenumber"`
		Description text `xml:"description"`
	}
)

func (e *phoneBooksElement) phoneBooks(*Omissions) ([]PhoneBook, error) {
	books := make([]PhoneBook, 0, len(e.Books))
	for i := range e.Books {
		books = append(books, e.Books[i].phoneBook())
	}
	slices.SortStableFunc(books, func(a, b PhoneBook) int { return a.rank() - b.rank() })
	return books, nil
}

func (b *PhoneBook) rank() int {
	if b.Type == "GLOBAL" {
		return 0
	}
	return 1
}

// phoneBook leaves an id empty where the uri is missing, as in the developer
// guide's sample of a team's books.
func (e *phoneBookElement) phoneBook() PhoneBook {
	b := PhoneBook{Phonebook: gc.Phonebook{Name: string(e.Name), Type: strings.ToUpper(string(e.Type))}}
	if id, err := gc.ParsePhonebookID(lastSegment(e.URI)); err == nil {
		b.ID = id
	}
	for _, c := range e.Contacts {
		b.Contacts = append(b.Contacts, gc.Contact{
			ID:        lastSegment(c.URI),
			FirstName: string(c.FirstName), LastName: string(c.LastName), PhoneNumber: string(c.PhoneNumber),
			Description: string(c.Description),
		})
	}
	return b
}
