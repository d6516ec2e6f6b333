// Package passwords is the one place that decides whether a password may be put
// to Finesse for an agent. Who writes to the command queue is not trusted, and
// Finesse locks an account for five minutes at the fifth wrong password in a
// row, for everybody.
//
// A Guard stands before the nodes of Finesse (Guard.Node), so that whatever a
// session asks of them passes it: the proof of a Connect, a Login, a stream that
// is opened again, a reading. What it promises:
//
//   - Of wrong passwords of one agent, however its id is spelled (as a number too:
//     01001 is 1001) and whatever commands bring them, at most budget are put to
//     Finesse in any window. Finesse takes the login id and the login name of a
//     user; that they are one account is known once the user was read with a
//     password that works. Before, each name has budgetOfUnread. A password whose
//     answer is not known yet counts as wrong, and so does one that was sent and
//     never answered; while no other was refused, who comes after those is told
//     that Finesse is not reachable, and not that a password is wrong.
//   - The password that worked last is not kept out by others. While there is
//     one the others have what it leaves of the budget: uses requests with it may
//     be under way when it is changed.
//   - A refused password is answered with the same error, without asking, for a
//     pause: pauseOfKnown when it has worked in this process (Finesse refuses right
//     passwords while its own directory is away), else pauseOfUnknown; twice as
//     long each time, at most a window. Refusals of requests that were under way
//     together are one. When Finesse says that the account is
//     locked, every other password waits for a window too.
//   - Agents of whom no password has worked share atOnce requests at a time, and
//     crowdBurst wrong ones, of which crowdRate come back in a second. One that
//     Finesse does not answer in time counts as wrong. The others never wait for
//     them.
//   - Only what finesse.ErrPasswordRefused says is a refusal of the password that
//     works. Of another one, that the account is locked is one as well.
//   - Memory is bounded. Of an agent is remembered what it takes to keep these
//     promises, and strangers are forgotten first. When there is no room for one
//     more, it is the new one that is refused: nobody's refusals are forgotten
//     while they count.
//   - A token of single sign-on locks nothing, so it has another bound: tokens at a
//     time, of which tokenRate come back in a second. Only the notification service
//     proves whose it is (ofTokens). To an agent with a password another's token is a
//     wrong password there: where a password is what works, it counts as one.
//   - No password is kept, only its digest under a key of this process.
package passwords
