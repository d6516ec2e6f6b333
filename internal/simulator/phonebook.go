package simulator

import (
	"fmt"
	"strconv"
	"strings"
)

// maxContacts of a phone book, and of an answer (Finesse developer guide,
// "Contact" and "TeamResource - Get Phone Books").
const maxContacts = 6000

// book is a phone book, of everybody or of a team.
type book struct {
	id, name string
	team     team // none: a global book
	contacts []Contact
}

// Contact is an entry of a phone book.
type Contact struct {
	FirstName, LastName, PhoneNumber, Description string
}

// newBooks have names and contacts with characters that separate or need
// escaping elsewhere, since clients have to cope with them, and a book with
// nobody in it.
func newBooks() []*book {
	return []*book{
		{id: "1", name: "Company", contacts: []Contact{
			{"Ada", "Lovelace", "7001", "Sales"},
			{"Kathy", "Wong", "5054", "ext"},
			{"Seán", "Ó Briain", "4085550101", "Dublin & Cork"},
			{"", "Reception", "0", ""},
		}},
		{id: "2", name: "Partners, Zürich #1", contacts: []Contact{
			{"Jörg", "Müller, Dr.", "+41445550102", "a=b|c"},
			{"Emergency | night", "#2", "4085550103", "<only> after 22:00"},
			{"Łukasz", "Wąsik", "4085550104", "日本語"},
		}},
		{id: "3", name: "Empty"},
		{id: "4", name: "Sales contacts", team: sales, contacts: []Contact{
			{"Grace", "Hopper", "4085550105", "mornings"},
			{"Busy", "Line", "5550001", "is always engaged"},
		}},
	}
}

func (k *book) uri() string { return apiRoot + "PhoneBook/" + k.id }

func (b *switchboard) addContact(name string, c Contact) error {
	if c.PhoneNumber == "" {
		return fmt.Errorf("a contact needs a phone number")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, k := range b.books {
		names = append(names, k.name)
		if k.id != name && !strings.EqualFold(k.name, name) {
			continue
		}
		if len(k.contacts) >= maxContacts {
			return fmt.Errorf("phone book %s has %d contacts, which is the most", k.name, maxContacts)
		}
		k.contacts = append(k.contacts, c)
		return nil
	}
	return fmt.Errorf("phone book %q is not known: %q are", name, names)
}

// phoneBooks are the global books and those of a team, with the first
// contacts of all of them together, and whether there are more; mu is held.
func (b *switchboard) phoneBooks(t team, contacts int) (list phoneBooksXML, more bool) {
	for _, k := range b.books {
		if k.team != (team{}) && k.team != t {
			continue
		}
		x := phoneBookXML{Name: k.name, Type: "GLOBAL", URI: k.uri()}
		if k.team != (team{}) {
			x.Type = "TEAM"
		}
		for i, c := range k.contacts {
			if contacts == 0 {
				more = true
				break
			}
			contacts--
			x.Contacts.Contacts = append(x.Contacts.Contacts, contactXML{
				Description: c.Description, FirstName: c.FirstName, LastName: c.LastName, PhoneNumber: c.PhoneNumber,
				URI: k.uri() + "/Contact/" + strconv.Itoa(i+1),
			})
		}
		list.Books = append(list.Books, x)
	}
	return list, more
}
