module nest-payments.example/journey

go 1.26.0
