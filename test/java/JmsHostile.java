import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import javax.jms.*;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.command.ActiveMQTextMessage;
import org.apache.activemq.util.ByteSequence;

/**
 * Sends messages that are built to hurt a STOMP client to a queue: URL QUEUE
 * MESSAGE... A message is TYPE|TEXT|NAME=VALUE|NAME=VALUE...; in each part a
 * character may be written as a Java escape. @FILE stands for the messages that
 * are the lines of a file. Messages are compressed, so that a zero byte of a
 * text travels as one. Prints "ready" once all are sent.
 */
public class JmsHostile {
	public static void main(String[] args) throws Exception {
		ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(args[0]);
		factory.setUseCompression(true);
		Connection connection = factory.createConnection();
		Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
		MessageProducer producer = session.createProducer(session.createQueue(args[1]));
		List<String> messages = Arrays.asList(args).subList(2, args.length);
		if (args[2].startsWith("@")) {
			messages = Files.readAllLines(Paths.get(args[2].substring(1)));
		}
		for (String message : messages) {
			String[] parts = message.split("\\|", -1);
			ActiveMQTextMessage m = (ActiveMQTextMessage) session.createTextMessage(Escape.decode(parts[1]));
			if (parts[0].startsWith("!")) {
				m.setText(null);
				m.setContent(new ByteSequence(Escape.decode(parts[1]).getBytes()));
				m.setCompressed(true);
			}
			m.setJMSType(Escape.decode(parts[0]));
			for (int i = 2; i < parts.length; i++) {
				String[] property = parts[i].split("=", 2);
				m.setStringProperty(Escape.decode(property[0]), Escape.decode(property[1]));
			}
			producer.send(m);
		}
		System.out.println("ready");
		connection.close();
	}
}
