import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** Runs a MongoDB-compatible server in memory, on a free port of the loopback interface. */
class Server {
    /** Prints the server's URI once it listens, and runs until standard input ends. */
    public static void main(String[] args) throws java.io.IOException {
        MongoServer server = new MongoServer(new MemoryBackend());
        server.bind("127.0.0.1", 0);
        System.out.println("mongodb://127.0.0.1:" + server.getLocalAddress().getPort());
        while (System.in.read() != -1) {
        }
        server.shutdownNow();
    }
}
