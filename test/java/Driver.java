import java.io.PrintStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.jms.Connection;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnectionFactory;

/**
 * A small CRM driver: BROKER-URL COMMAND-QUEUE TOPIC AGENT PASSWORD EXTENSION FORMAT.
 *
 * It signs the agent in, takes one inbound call, holds and retrieves it, hangs up and signs the agent out. It prints
 * each command behind "> " and each event as its category, a tab and its text.
 */
public class Driver {
	private static final long LONGEST_WAIT = 30_000; // ms
	private static final Pattern DIALOG = Pattern.compile("DialogID:(\\d+)|\"dialogId\":\"(\\d+)\"");

	private final PrintStream out = new PrintStream(System.out, true, "UTF-8");
	private final Session session;
	private final MessageProducer commands;
	private final MessageConsumer events;
	private final String topic, agent, password, extension, format;

	public static void main(String[] args) throws Exception {
		Connection connection = new ActiveMQConnectionFactory(args[0]).createConnection();
		connection.start();
		try {
			new Driver(connection, args).run();
		} finally {
			connection.close();
		}
	}

	/** Subscribes to the topic first: an event that finds nobody there is lost. */
	private Driver(Connection connection, String[] args) throws Exception {
		session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
		commands = session.createProducer(session.createQueue(args[1]));
		events = session.createConsumer(session.createTopic(args[2]));
		topic = args[2];
		agent = args[3];
		password = args[4];
		extension = args[5];
		format = args[6];
	}

	private void run() throws Exception {
		send("system", "Hello#" + topic, "");
		await("System", "IN_SERVICE");

		send("agent_info", "Connect#" + agent, topic + "," + password); // has no answer
		send("agent_state", "Login#" + agent, password + "," + extension);
		await("State", "NOT_READY");
		send("agent_state", "MakeReady#" + agent, "");
		await("State", "READY");

		String call = dialog(await("InboundCall", "ALERTING"));
		send("agent_call", "AnswerCall#" + agent, call);
		await("State", "TALKING");
		send("agent_call", "HoldCall#" + agent, call);
		await("State", "HOLD");
		send("agent_call", "RetrieveCall#" + agent, call);
		await("State", "TALKING");
		send("agent_call", "ReleaseCall#" + agent, call);
		await("State", "READY");

		send("agent_state", "MakeNotReady#" + agent, "");
		await("State", "NOT_READY");
		send("agent_state", "Logout#" + agent, "");
		await("State", "LOGOUT");
	}

	/** A command is a TextMessage: its name and whom it is about in the JMSType, its parameters in the text. */
	private void send(String category, String type, String parameters) throws Exception {
		out.println(("> " + category + "/" + type + " " + parameters).trim());
		TextMessage command = session.createTextMessage(parameters);
		command.setJMSType(type);
		command.setStringProperty("MessageCategory", category);
		if (type.startsWith("Hello#")) {
			command.setStringProperty("format", format); // of this topic from now on
		}
		commands.send(command);
	}

	/** Reads events up to the one of this kind and state. */
	private String await(String kind, String state) throws Exception {
		Pattern text = Pattern.compile("^(\\w+#)?" + kind + "#" + state + "(#|$)");
		Pattern json = Pattern.compile("\"type\":\"" + kind + "\".*\"(state|status)\":\"" + state + "\"");
		while (true) {
			Message message = events.receive(LONGEST_WAIT);
			if (message == null) {
				throw new IllegalStateException("no event; waiting for " + kind + " " + state);
			}
			if (!(message instanceof TextMessage)) {
				throw new IllegalStateException("not a TextMessage: " + message.getClass());
			}
			String event = ((TextMessage) message).getText();
			out.println(message.getStringProperty("MessageCategory") + "\t" + event);
			if (text.matcher(event).find() || json.matcher(event).find()) {
				return event;
			}
		}
	}

	private static String dialog(String event) {
		Matcher m = DIALOG.matcher(event);
		if (!m.find()) {
			throw new IllegalStateException("no dialog id: " + event);
		}
		return m.group(1) != null ? m.group(1) : m.group(2);
	}
}
