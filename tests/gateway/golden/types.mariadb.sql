SELECT leases.high_water
FROM leases
WHERE leases.name = %s;

