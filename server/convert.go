package server

import (
	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
)

func userDTO(u *store.User) gen.ReturnUserDto {
	dto := gen.ReturnUserDto{UserID: u.ID, UserName: u.Name, Email: u.MailAddress()}
	if u.CustomerID != "" {
		dto.CustomerID = &u.CustomerID
	}
	return dto
}

func userDTOs(users []*store.User) gen.ReturnUserDtoList {
	list := make(gen.ReturnUserDtoList, len(users))
	for i, u := range users {
		list[i] = userDTO(u)
	}
	return list
}

func paymentDTO(p *store.Payment) gen.ReturnPaymentDto {
	return gen.ReturnPaymentDto{
		ID: p.IntentID, Amount: p.Amount, Currency: p.Currency,
		Status: p.Status, PaymentMethod: p.PaymentMethod,
	}
}

func paymentDTOs(list []*store.Payment) gen.ReturnPaymentDtoList {
	dtos := make(gen.ReturnPaymentDtoList, len(list))
	for i, p := range list {
		dtos[i] = paymentDTO(p)
	}
	return dtos
}

func createdDTO(c *payments.Created) gen.PaymentCreatedDto {
	p := c.Payment
	return gen.PaymentCreatedDto{
		ID: p.IntentID, Amount: p.Amount, Currency: p.Currency,
		Status: p.Status, PaymentMethod: p.PaymentMethod, ClientSecret: c.ClientSecret,
	}
}
