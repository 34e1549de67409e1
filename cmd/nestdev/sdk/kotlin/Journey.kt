import dev.nestpayments.client.apis.PaymentApi
import dev.nestpayments.client.apis.UserApi
import dev.nestpayments.client.infrastructure.ApiClient
import dev.nestpayments.client.infrastructure.ApiResponse
import dev.nestpayments.client.infrastructure.ClientError
import dev.nestpayments.client.infrastructure.ClientException
import dev.nestpayments.client.infrastructure.Serializer
import dev.nestpayments.client.infrastructure.Success
import dev.nestpayments.client.models.ConfirmPaymentDto
import dev.nestpayments.client.models.CreatePaymentDto
import dev.nestpayments.client.models.CreateUserDto
import dev.nestpayments.client.models.LoginUserDto
import dev.nestpayments.client.models.Problem
import dev.nestpayments.client.models.ReturnPaymentDto
import dev.nestpayments.client.models.UpdateUserDto
import okhttp3.HttpUrl.Companion.toHttpUrl

// A customer's way through the API with the client that openapi-generator generates.

private val url: String = System.getenv("URL")
private val cuid: String = System.getenv("CUID")

fun main() {
    val users = UserApi(url)
    signUp(users, System.getenv("EMAIL"), System.getenv("PASSWORD"))
    pay(PaymentApi(url))
    list(PaymentApi(url))
    leave(users)
}

/** The body of an error, read as the client reads every other body. */
private val ClientException.problem: Problem?
    get() = ((response as? ClientError<*>)?.body as? String)?.let(Serializer.moshi.adapter(Problem::class.java)::fromJson)

private fun signUp(users: UserApi, email: String, password: String) {
    users.register(CreateUserDto(userName = "Ada Lovelace", email = email, password = password))
    println("ok register")
    ApiClient.accessToken = users.login(LoginUserDto(email = email, password = password)).accessToken
    println("ok login")
}

/** Pays with a card without funds and then with a good one. */
private fun pay(payments: PaymentApi) {
    val payment = payments.createPayment(CreatePaymentDto(cuid))
    println("ok create")
    // The same cuid is always the same payment: after a lost answer, send it again.
    check("retry", payments.createPayment(CreatePaymentDto(cuid)).id == payment.id, payment)

    val poor = ConfirmPaymentDto(cuid, payment.id, "pm_card_visa_chargeDeclinedInsufficientFunds")
    try {
        check("decline", false, payments.confirmPayment(poor))
    } catch (e: ClientException) {
        val problem = e.problem ?: throw e
        val said = Triple(problem.status, problem.code, problem.declineCode)
        check("decline", said == Triple(402, "payment_declined", "insufficient_funds"), problem)
    }
    val paid = payments.confirmPayment(poor.copy(paymentMethodId = "pm_card_visa"))
    check("success", paid.status == "succeeded", paid)
}

/** Creates four more payments and follows the Link header, two payments a page. */
private fun list(payments: PaymentApi) {
    (2..5).forEach { payments.createPayment(CreatePaymentDto("$cuid-$it")) }
    val pages = generateSequence(page(payments, null)) { previous ->
        nextCursor(previous)?.let { page(payments, it) }
    }.toList()
    val ids = pages.flatMap { it.data.orEmpty() }.map { it.id }
    check("list", ids.size == 5 && ids.toSet().size == 5 && pages.size == 3, ids)
}

private fun page(payments: PaymentApi, cursor: String?): Success<List<ReturnPaymentDto>?> =
    when (val page: ApiResponse<List<ReturnPaymentDto>?> = payments.getPaymentsWithHttpInfo(2, cursor)) {
        is Success -> page
        else -> error("list: status ${page.statusCode}")
    }

/** The cursor in the Link header, and null on the last page. */
private fun nextCursor(page: Success<*>): String? =
    page.headers["link"]?.single()?.removePrefix("<")?.substringBefore('>')
        ?.let { url.toHttpUrl().resolve(it)?.queryParameter("cursor") }

/** Changes the user's name and deletes the user, whose token dies at once. */
private fun leave(users: UserApi) {
    val user = users.findAll().single()
    val changed = users.update(user.userId, UpdateUserDto(userName = "Ada King"))
    check("change", changed.userName == "Ada King", changed)

    users.remove(user.userId)
    try {
        check("delete", false, users.findOne(user.userId))
    } catch (e: ClientException) {
        check("delete", e.problem?.status == 401, e)
    }
}

private fun check(step: String, holds: Boolean, answer: Any) {
    check(holds) { "$step: $answer" }
    println("ok $step")
}
