import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.HttpsURLConnection;

/** Opens one URL after the other in one JVM and prints what came: its page, or why there is none. */
public class Fetch {
    public static void main(String[] urls) throws Exception {
        for (String url : urls) {
            HttpsURLConnection connection = (HttpsURLConnection) new URL(url).openConnection();
            connection.setRequestProperty("Connection", "close");
            try (InputStream page = connection.getInputStream()) {
                System.out.println("page " + new String(page.readAllBytes(), StandardCharsets.UTF_8).strip());
            } catch (Exception refused) {
                System.out.println("none " + url + " " + refused);
            }
            Thread.sleep(400);
        }
    }
}
