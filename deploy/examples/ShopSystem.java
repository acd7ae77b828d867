import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Utils;

/** A shop system: publishes a strategy, an order and a refund request. ShopSystem SHOP_ID REQUEST_ID AMOUNT_FEN */
public class ShopSystem {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        String shopId = args[0], requestId = args[1], orderId = "order-of-" + requestId;
        long amountFen = Long.parseLong(args[2]); // integers of fen, never a double
        Properties config = new Properties();
        config.put("bootstrap.servers", System.getenv().getOrDefault("AUTOREFUND_BROKERS", "localhost:9092"));
        config.put("acks", "all"); // with idempotence, the default: nothing is lost, and nothing is doubled by a retry
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            // A strategy's key is not its shop alone, so the shop's partition must be named.
            int partitions = producer.partitionsFor("strategy-config").size();
            int home = Utils.toPositive(Utils.murmur2(shopId.getBytes(StandardCharsets.UTF_8))) % partitions;
            send(producer, new ProducerRecord<>("strategy-config", home, shopId + "|small", json(strategy(shopId))));
            // Here the key is the shop: the default partitioner finds the same partition.
            send(producer, new ProducerRecord<>("order-logistics", shopId, json(order(shopId, orderId, amountFen))));
            send(producer, new ProducerRecord<>("after-sale-request", shopId,
                    json(request(shopId, requestId, orderId, amountFen))));
        }
    }

    private static void send(KafkaProducer<String, String> producer, ProducerRecord<String, String> record) throws Exception {
        producer.send(record).get();
    }

    private static String json(Object value) throws Exception {
        return JSON.writeValueAsString(value);
    }

    private static String ago(Duration by) {
        return Instant.now().minus(by).toString(); // RFC 3339 with an offset
    }

    private static Map<String, Object> strategy(String shopId) {
        return Map.of("schema_version", 1, "shop_id", shopId, "strategy_id", "small",
                "version", System.currentTimeMillis(), "name", "小额秒退", "enabled", true, "daily_cap_fen", 100_000,
                "updated_at", ago(Duration.ZERO), "updated_by", "shop system");
    }

    private static Map<String, Object> order(String shopId, String orderId, long amountFen) {
        var parcel = Map.of("parcel_id", orderId + "-p", "order_item_ids", List.of(orderId + "-1"),
                "delivery", "signed", "shipped_at", ago(Duration.ofDays(3)), "signed_at", ago(Duration.ofDays(1)));
        return Map.of("schema_version", 1, "shop_id", shopId, "order_id", orderId, "version", 1, "paid_fen", amountFen,
                "parcels", List.of(parcel), "updated_at", ago(Duration.ZERO));
    }

    private static Map<String, Object> request(String shopId, String requestId, String orderId, long amountFen) {
        var item = Map.of("order_item_id", orderId + "-1", "product_id", "nuts", "quantity", 1, "amount_fen", amountFen);
        return Map.ofEntries(
                Map.entry("schema_version", 1), Map.entry("shop_id", shopId), Map.entry("request_id", requestId),
                Map.entry("request_version", 1), Map.entry("order_id", orderId), Map.entry("buyer_id", "buyer-2"),
                Map.entry("refund_type", "refund_only"), Map.entry("status", "pending_seller"),
                Map.entry("reason", "spoiled"), Map.entry("amount_fen", amountFen), Map.entry("items", List.of(item)),
                Map.entry("risk", Map.of("level", "normal", "codes", List.of())),
                Map.entry("applied_at", ago(Duration.ZERO)));
    }
}
