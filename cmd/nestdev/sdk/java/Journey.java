import dev.nestpayments.client.ApiClient;
import dev.nestpayments.client.ApiException;
import dev.nestpayments.client.ApiResponse;
import dev.nestpayments.client.api.PaymentApi;
import dev.nestpayments.client.api.UserApi;
import dev.nestpayments.client.model.ConfirmPaymentDto;
import dev.nestpayments.client.model.CreatePaymentDto;
import dev.nestpayments.client.model.CreateUserDto;
import dev.nestpayments.client.model.LoginUserDto;
import dev.nestpayments.client.model.Problem;
import dev.nestpayments.client.model.ReturnPaymentDto;
import dev.nestpayments.client.model.UpdateUserDto;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import okhttp3.HttpUrl;

/** A customer's way through the API with the client that openapi-generator generates. */
final class Journey {
    private static final String URL = System.getenv("URL");
    private static final String CUID = System.getenv("CUID");

    private final ApiClient client = new ApiClient().setBasePath(URL);
    private final UserApi users = new UserApi(client);
    private final PaymentApi payments = new PaymentApi(client);

    public static void main(String[] args) throws ApiException {
        Journey journey = new Journey();
        journey.signUp(System.getenv("EMAIL"), System.getenv("PASSWORD"));
        journey.pay();
        journey.list();
        journey.leave();
    }

    private void signUp(String email, String password) throws ApiException {
        users.register(new CreateUserDto().userName("Ada Lovelace").email(email).password(password));
        System.out.println("ok register");
        client.setBearerToken(users.login(new LoginUserDto().email(email).password(password)).getAccessToken());
        System.out.println("ok login");
    }

    /** Pays with a card without funds and then with a good one. */
    private void pay() throws ApiException {
        var create = new CreatePaymentDto().cuid(CUID);
        var payment = payments.createPayment(create);
        System.out.println("ok create");
        // The same cuid is always the same payment: after a lost answer, send it again.
        check("retry", payments.createPayment(create).getId().equals(payment.getId()), payment);

        var confirm = new ConfirmPaymentDto().cuid(CUID).paymentId(payment.getId());
        try {
            check("decline", false, payments.confirmPayment(
                confirm.paymentMethodId("pm_card_visa_chargeDeclinedInsufficientFunds")));
        } catch (ApiException e) {
            Problem problem = e.getErrorObject();
            check("decline", problem.getStatus() == 402
                && problem.getCode().equals("payment_declined")
                && "insufficient_funds".equals(problem.getDeclineCode()), problem);
        }
        var paid = payments.confirmPayment(confirm.paymentMethodId("pm_card_visa"));
        check("success", paid.getStatus().equals("succeeded"), paid);
    }

    /** Creates four more payments and follows the Link header, two payments a page. */
    private void list() throws ApiException {
        for (int n = 2; n <= 5; n++) {
            payments.createPayment(new CreatePaymentDto().cuid(CUID + "-" + n));
        }
        List<String> ids = new ArrayList<>();
        int pages = 0;
        Optional<String> cursor = Optional.empty();
        do {
            var page = payments.getPaymentsWithHttpInfo(2, cursor.orElse(null));
            page.getData().forEach(payment -> ids.add(payment.getId()));
            cursor = nextPage(page);
            pages++;
        } while (cursor.isPresent());
        check("list", ids.size() == 5 && new HashSet<>(ids).size() == 5 && pages == 3, ids);
    }

    /** Returns the cursor in the Link header, if there is another page. */
    private static Optional<String> nextPage(ApiResponse<List<ReturnPaymentDto>> page) {
        return page.getHeaders().entrySet().stream()
            .filter(header -> header.getKey().equalsIgnoreCase("Link"))
            .map(header -> header.getValue().get(0))
            .map(link -> link.substring(1, link.lastIndexOf('>')))
            .map(target -> HttpUrl.get(URL).resolve(target).queryParameter("cursor"))
            .findFirst();
    }

    /** Changes the user's name and deletes the user, whose token dies at once. */
    private void leave() throws ApiException {
        var mine = users.findAll(null, null);
        check("change", mine.size() == 1
            && users.update(mine.get(0).getUserId(), new UpdateUserDto().userName("Ada King"))
                .getUserName().equals("Ada King"), mine);

        users.remove(mine.get(0).getUserId());
        try {
            check("delete", false, users.findOne(mine.get(0).getUserId()));
        } catch (ApiException e) {
            check("delete", e.getErrorObject().getStatus() == 401, e.getErrorObject());
        }
    }

    private static void check(String step, boolean holds, Object answer) {
        if (!holds) {
            throw new IllegalStateException(step + ": " + answer);
        }
        System.out.println("ok " + step);
    }
}
