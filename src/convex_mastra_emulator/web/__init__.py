"""Files and HTTP actions as a deployment's web server has them; used by it, and in process without a socket."""
