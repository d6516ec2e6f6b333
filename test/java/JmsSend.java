import javax.jms.*;
import org.apache.activemq.ActiveMQConnectionFactory;

/**
 * Sends TextMessages to a queue: URL QUEUE TYPE TEXT... In TEXT a character
 * may be written as a Java escape. With TYPE ending in "?" it
 * names a temporary queue of its own as JMSReplyTo, prints "ready" once all is
 * sent, and prints each answer.
 */
public class JmsSend {
	public static void main(String[] args) throws Exception {
		Connection connection = new ActiveMQConnectionFactory(args[0]).createConnection();
		connection.start();
		Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
		MessageProducer producer = session.createProducer(session.createQueue(args[1]));
		boolean temporary = args[2].endsWith("?");
		Destination replyTo = temporary ? session.createTemporaryQueue() : null;
		for (int i = 3; i < args.length; i++) {
			TextMessage m = session.createTextMessage(Escape.decode(args[i]));
			m.setJMSType(args[2].replace("?", ""));
			m.setStringProperty("MessageCategory", "agent_state");
			if (temporary) {
				m.setJMSReplyTo(replyTo);
				m.setJMSCorrelationID("answer-" + i);
			}
			producer.send(m);
		}
		System.out.println("ready");
		if (temporary) {
			MessageConsumer consumer = session.createConsumer(replyTo);
			for (int i = 3; i < args.length; i++) {
				TextMessage m = (TextMessage) consumer.receive(30_000);
				System.out.println(m.getJMSCorrelationID() + " " + Escape.encode(m.getText()));
			}
		}
		connection.close();
	}
}
