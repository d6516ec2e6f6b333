/** Text in ASCII only: what is not, and the backslash, is written as a Java escape per UTF-16 unit. */
class Escape {
	static String encode(String s) {
		StringBuilder b = new StringBuilder();
		for (char c : s.toCharArray()) {
			b.append(c > ' ' && c <= '~' && c != '\\' || c == ' ' ? String.valueOf(c) : String.format("\\u%04x", (int) c));
		}
		return b.toString();
	}

	static String decode(String s) {
		StringBuilder b = new StringBuilder();
		for (int i = 0; i < s.length(); i++) {
			if (s.charAt(i) == '\\') {
				b.append((char) Integer.parseInt(s.substring(i + 2, i + 6), 16));
				i += 5;
			} else {
				b.append(s.charAt(i));
			}
		}
		return b.toString();
	}
}
