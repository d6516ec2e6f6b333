package gc

// Phonebook is a Finesse phone book.
type Phonebook struct {
	ID   PhonebookID
	Name string
	Type string // GLOBAL or TEAM
}

// Contact is an entry of a phone book.
type Contact struct {
	ID                               string
	FirstName, LastName, PhoneNumber string
	Description                      string
}

// Phonebooks lists the phone books an agent has, those of all teams and of its
// own (O-29).
type Phonebooks struct {
	Agent AgentID
	Books []Phonebook
}

// TeamPhonebooks lists the phone books of a team (O-30).
type TeamPhonebooks struct {
	Agent AgentID
	Team  TeamID
	Books []Phonebook
}

// PhonebookContacts lists the contacts of a phone book (O-31).
type PhonebookContacts struct {
	Agent    AgentID
	Book     PhonebookID
	Contacts []Contact
}

func (Phonebooks) event()        {}
func (TeamPhonebooks) event()    {}
func (PhonebookContacts) event() {}
