import java.io.PrintStream;
import java.util.Map;
import javax.jms.*;
import org.apache.activemq.ActiveMQConnectionFactory;

/**
 * A whole CRM driver in Java: JMS over OpenWire, events as text. It signs an agent in, takes one call, holds and
 * retrieves it, hangs up and signs the agent out. docs/driver-guide.md explains the steps and how to run it.
 */
public class Driver {
	private static final Map<String, String> ENV = System.getenv();
	private static final String BROKER = ENV.getOrDefault("BROKER", "tcp://127.0.0.1:61616?jms.sendTimeout=30000"),
		QUEUE = ENV.getOrDefault("COMMAND_QUEUE", "Connector1"), TOPIC = ENV.getOrDefault("DESTINATION", "desk"),
		AGENT = ENV.getOrDefault("AGENT", "1002"), PASSWORD = ENV.getOrDefault("PASSWORD", "secret"),
		EXTENSION = ENV.getOrDefault("EXTENSION", "2002");
	private static final int ANSWER = 30, CALL = 300; // seconds to wait: for the connector, for a caller

	private final PrintStream out = new PrintStream(System.out, true, "UTF-8");
	private final Connection connection = new ActiveMQConnectionFactory(BROKER).createConnection();
	private final Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
	private final MessageProducer commands = session.createProducer(session.createQueue(QUEUE));
	private final MessageConsumer events = session.createConsumer(session.createTopic(TOPIC)); // a topic keeps nothing

	private Driver() throws Exception {}

	public static void main(String[] args) {
		try {
			new Driver().takeOneCall();
			System.exit(0);
		} catch (Exception e) {
			System.err.println("driver: " + e.getMessage());
			System.exit(1);
		}
	}

	private void takeOneCall() throws JMSException {
		connection.start();
		ask("Hello#" + TOPIC, "", "System#IN_SERVICE");
		send("Connect#" + AGENT, TOPIC + "," + PASSWORD); // no answer is a good answer
		ask("Login#" + AGENT, PASSWORD + "," + EXTENSION, AGENT + "#AgentInfo");
		ask("MakeReady#" + AGENT, "", AGENT + "#State#READY");

		String dialog = await(AGENT + "#NewInboundCall", CALL).split("#")[4]; // DialogID:16870001
		String call = dialog.substring("DialogID:".length());
		ask("AnswerCall#" + AGENT, call, AGENT + "#InboundCall#ACTIVE#" + dialog);
		ask("HoldCall#" + AGENT, call, AGENT + "#InboundCall#HELD#" + dialog);
		ask("RetrieveCall#" + AGENT, call, AGENT + "#InboundCall#ACTIVE#" + dialog);
		ask("ReleaseCall#" + AGENT, call, AGENT + "#InboundCall#DROPPED#" + dialog);
		ask("MakeNotReady#" + AGENT, "", AGENT + "#State#NOT_READY"); // who is ready cannot sign out
		ask("Logout#" + AGENT, "", AGENT + "#State#LOGOUT");
	}

	private void ask(String type, String parameters, String answer) throws JMSException {
		send(type, parameters);
		await(answer, ANSWER);
	}

	private void send(String type, String parameters) throws JMSException {
		out.println("> " + type); // not the parameters: they may hold a password
		Message command = session.createTextMessage(parameters);
		command.setJMSType(type);
		command.setJMSReplyTo(session.createTopic(TOPIC)); // for a connector that does not know the agent
		command.setStringProperty("format", "text"); // of the events; Hello and Connect heed it
		commands.send(command);
	}

	/** Reads events up to the one that begins with these fields. */
	private String await(String fields, int seconds) throws JMSException {
		long end = System.nanoTime() + seconds * 1_000_000_000L;
		while (true) {
			Message message = events.receive(Math.max(1, (end - System.nanoTime()) / 1_000_000));
			if (message == null) throw new JMSException(fields + " did not come within " + seconds + " s");
			String event = ((TextMessage) message).getText();
			out.println(message.getStringProperty("MessageCategory") + "\t" + event);
			if (event.matches(AGENT + "#(Error|State#RE_LOGIN).*")) throw new JMSException("the answer is " + event);
			if ((event + "#").startsWith(fields + "#")) return event;
		}
	}
}
