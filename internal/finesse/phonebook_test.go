package finesse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestPhoneBooks(t *testing.T) {
	for _, status := range []int{200, 206} {
		var got asked
		_, c := startNode(t, record(&got, status, string(file(t, "phone_books.xml"))))
		books, err := c.PhoneBooks(t.Context(), agent)
		require.NoError(t, err, status)
		require.Equal(t, asked{method: "GET", uri: "/finesse/api/User/1001/PhoneBooks", user: "1001", objects: "objects=1-6000"}, got)
		require.Equal(t, []PhoneBook{
			{gc.Phonebook{ID: "1", Name: "Main", Type: "GLOBAL"}, []gc.Contact{
				{ID: "12", FirstName: "Kathy", LastName: "Wong", PhoneNumber: "5054", Description: "ext"},
				{ID: "13", LastName: "R&D <Ли>", PhoneNumber: "+420 555"},
			}},
			{Phonebook: gc.Phonebook{ID: "2", Name: "Elsewhere", Type: "GLOBAL"}},
			{Phonebook: gc.Phonebook{ID: "7", Name: "Sales", Type: "TEAM"}},
		}, books, "those for everybody first; where the contacts are a path there are none to show")
	}
}

func TestPhoneBooksOfATeam(t *testing.T) {
	var got asked
	_, c := startNode(t, record(&got, 206, string(file(t, "team_phone_books.xml"))))
	books, err := c.TeamPhoneBooks(t.Context(), agent, "34")
	require.NoError(t, err)
	require.Equal(t, asked{method: "GET", uri: "/finesse/api/TeamResource/34/PhoneBooks", user: "1001", objects: "objects=1-6000"}, got)
	require.Equal(t, []PhoneBook{{gc.Phonebook{Name: "Sales", Type: "TEAM"}, []gc.Contact{
		{FirstName: "Kathy", LastName: "Wong", PhoneNumber: "5054", Description: "ext"},
	}}}, books, "Contacts with a capital letter, no ids where there are no uris")
}

func TestNoPhoneBooks(t *testing.T) {
	_, c := startNode(t, answer(200, "<PhoneBooks/>"))
	books, err := c.PhoneBooks(t.Context(), agent)
	require.NoError(t, err)
	require.Empty(t, books)
}

func TestAsManyContactsAsFinesseGives(t *testing.T) {
	var list strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&list, "<Contact><firstName>%s</firstName><uri>/finesse/api/PhoneBook/1/Contact/%d</uri></Contact>", strings.Repeat("x", 128), i)
	}
	_, c := startNode(t, answer(206, "<PhoneBooks><PhoneBook><contacts>"+list.String()+"</contacts></PhoneBook></PhoneBooks>"))
	books, err := c.PhoneBooks(t.Context(), agent)
	require.NoError(t, err)
	require.Len(t, books[0].Contacts, 6000)
	require.Equal(t, "5999", books[0].Contacts[5999].ID)
}

func TestOnlyAListMayBePartial(t *testing.T) {
	_, c := startNode(t, answer(206, string(file(t, "user.xml"))))
	_, err := c.User(t.Context(), agent)
	require.Equal(t, gc.GeneralError, codeOf(t, err))
}

func TestPhoneBooksThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name      string
		status    int
		body      string
		own, team gc.Code
	}{
		{"bad range", 416, page, gc.GeneralError, gc.GeneralError},
		{"an error of the interface", 400, apiErrors("Finesse API Error", "", ""), gc.GeneralError, gc.GeneralError},
		{"administrators only", 403, apiErrors("Forbidden", "", ""), gc.GeneralError, gc.GeneralError},
		{"not of the team", 401, apiErrors("Authorization Failure", "UNAUTHORIZED", ""), gc.SubscriptionFailed, gc.GeneralError},
		{"unknown user", 404, apiErrors("User Not Found", "UNKNOWN_USER", ""), gc.UserNotFound, gc.UserNotFound},
		{"unknown team, or a release without", 404, page, gc.UserNotFound, gc.GeneralError},
		{"out of service", 503, "", gc.FinesseUnavailable, gc.FinesseUnavailable},
		{"something else", 200, "<Phones/>", gc.GeneralError, gc.GeneralError},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := startNode(t, answer(c.status, c.body))
			_, err := client.PhoneBooks(t.Context(), agent)
			require.Equal(t, c.own, codeOf(t, err))
			_, err = client.TeamPhoneBooks(t.Context(), agent, "5")
			require.Equal(t, c.team, codeOf(t, err))
		})
	}
}
