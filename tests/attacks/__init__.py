"""What one caller did to stop another: each attack runs against a live server, beside a bystander."""
