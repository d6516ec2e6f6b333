import javax.jms.*;
import org.apache.activemq.ActiveMQConnectionFactory;

/**
 * Prints N messages of a topic: URL TOPIC N. The first line is "ready". A line
 * is the message's JMS interface, JMSType, MessageCategory, JMSCorrelationID,
 * JMSDeliveryMode, JMSExpiration and text, separated by blanks; "null" where
 * there is none. Characters beyond ASCII are Java escapes.
 */
public class JmsReceive {
	public static void main(String[] args) throws Exception {
		Connection connection = new ActiveMQConnectionFactory(args[0]).createConnection();
		connection.start();
		Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
		MessageConsumer consumer = session.createConsumer(session.createTopic(args[1]));
		System.out.println("ready");
		for (int i = 0; i < Integer.parseInt(args[2]); i++) {
			Message m = consumer.receive(30_000);
			String kind = m instanceof TextMessage ? "TextMessage" : m instanceof BytesMessage ? "BytesMessage" : "other";
			String text = m instanceof TextMessage ? Escape.encode(((TextMessage) m).getText()) : "";
			System.out.println(String.join(" ", kind, m.getJMSType(), m.getStringProperty("MessageCategory"), m.getJMSCorrelationID(),
				m.getJMSDeliveryMode() == DeliveryMode.PERSISTENT ? "persistent" : "non-persistent",
				String.valueOf(m.getJMSExpiration()), text));
		}
		connection.close();
	}
}
