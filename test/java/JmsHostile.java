import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DeflaterOutputStream;
import javax.jms.*;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.command.ActiveMQTextMessage;
import org.apache.activemq.util.ByteSequence;

/**
 * Sends messages that are built to hurt a STOMP client to a queue: URL QUEUE
 * MESSAGE... A message is TYPE|TEXT|NAME=VALUE|NAME=VALUE...; in each part a
 * character may be written as a Java escape. @FILE stands for the messages that
 * are the lines of a file. Messages are compressed, so that a zero byte of a
 * text travels as one. TEXT of a TYPE that begins with "!" is not compressed, but
 * said to be; of one that begins with "?" it is the length that a compressed text
 * claims to have. Prints "ready" once all are sent.
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
				content(m, Escape.decode(parts[1]).getBytes());
			} else if (parts[0].startsWith("?")) {
				ByteArrayOutputStream bytes = new ByteArrayOutputStream();
				DataOutputStream out = new DataOutputStream(new DeflaterOutputStream(bytes));
				out.writeInt(Integer.parseInt(parts[1]));
				out.close();
				content(m, bytes.toByteArray());
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

	private static void content(ActiveMQTextMessage m, byte[] bytes) throws Exception {
		m.setText(null);
		m.setContent(new ByteSequence(bytes));
		m.setCompressed(true);
	}
}
