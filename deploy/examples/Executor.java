import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A refund executor: pays approved decisions, each once, and reports back. Executor LEDGER [GROUP], until SIGTERM.
 *
 * <p>The order is what makes it safe: pay by decision_id, report, commit the offset. After a crash in between, Kafka hands
 * the decision out again; the ledger knows that it is paid, and the worker ignores a result that it has seen.
 */
public class Executor {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What was paid, a decision_id a line. It stands for a payment system that takes an idempotency key. */
    private static final class Ledger {
        private final Path file;
        private final Set<String> paid = new HashSet<>();

        Ledger(Path file) throws IOException {
            this.file = file;
            if (Files.exists(file)) {
                paid.addAll(Files.readAllLines(file));
            }
        }

        /** Pays it, unless it is paid already. Durable when it returns. */
        boolean pay(String decisionId) throws IOException {
            if (!paid.add(decisionId)) {
                return false;
            }
            Files.writeString(file, decisionId + "\n",
                    StandardOpenOption.CREATE, StandardOpenOption.APPEND, StandardOpenOption.SYNC);
            return true;
        }
    }

    public static void main(String[] args) throws Exception {
        var ledger = new Ledger(Path.of(args[0]));
        Properties config = new Properties();
        config.put("bootstrap.servers", System.getenv().getOrDefault("AUTOREFUND_BROKERS", "localhost:9092"));
        config.put("acks", "all");
        Properties reading = new Properties();
        reading.put("bootstrap.servers", config.get("bootstrap.servers"));
        reading.put("group.id", args.length > 1 ? args[1] : "executor");
        reading.put("auto.offset.reset", "earliest");
        reading.put("isolation.level", "read_committed"); // without it: decisions that were never made
        reading.put("enable.auto.commit", "false"); // with it: a decision may count as done before it is paid
        var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
        var worker = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                worker.join();
            } catch (InterruptedException left) {
                Thread.currentThread().interrupt();
            }
        }));
        try (consumer; var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            consumer.subscribe(List.of("refund-decision"));
            while (true) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    handle(JSON.readTree(record.value()), ledger, producer);
                }
                consumer.commitSync();
            }
        } catch (WakeupException stopped) {
            // SIGTERM: what was not committed comes again
        }
    }

    /** One decision. A manual review is the seller's: nothing to pay, and no rejection either. */
    private static void handle(JsonNode decision, Ledger ledger, KafkaProducer<String, String> producer) throws Exception {
        if (!decision.get("outcome").asText().equals("auto_approve")) {
            return;
        }
        String decisionId = decision.get("decision_id").asText(), shopId = decision.get("shop_id").asText();
        System.out.println(decisionId + ": " + (ledger.pay(decisionId) ? "paid" : "was paid before"));
        var result = Map.of("schema_version", 1, "decision_id", decisionId, "shop_id", shopId, "status", "succeeded",
                "amount_fen", decision.get("amount_fen").asLong(), "at", Instant.now().toString());
        producer.send(new ProducerRecord<>("refund-result", shopId, JSON.writeValueAsString(result))).get();
    }
}
