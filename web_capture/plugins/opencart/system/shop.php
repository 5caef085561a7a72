<?php
/** What this shop does about it; OpenCart 3 and 4 both have what is asked of the registry here. */

defined('VERSION') || exit;

require_once __DIR__ . '/messages.php';

const KARTOTEKA_WAITS = [60, 300, 1800, 7200, 21600, 43200, 86400];

/** Nothing that goes wrong here may disturb the shop. */
function kartoteka_guard($registry, $action) {
	try {
		$action();
	} catch (\Throwable $error) {
		$registry->get('log')->write('Kartoteka: ' . $error->getMessage());
	}
}

/** A setting as the download has it. */
function kartoteka_default($name) {
	static $defaults = null;
	$defaults = $defaults ?? require __DIR__ . '/defaults.php';
	return (string)($defaults[$name] ?? '');
}

/** A setting: of the module's page, else of the download. */
function kartoteka_setting($registry, $name) {
	$changed = (string)$registry->get('config')->get('module_kartoteka_' . $name);
	return $changed !== '' ? $changed : kartoteka_default($name);
}

/** Whether the module is on and knows where to tell. */
function kartoteka_ready($registry) {
	return $registry->get('config')->get('module_kartoteka_status') && kartoteka_hub(kartoteka_setting($registry, 'hub')) && kartoteka_is_key(kartoteka_setting($registry, 'site_key'));
}

/** The tables: which browser an order came from, and what waits to be sent. */
function kartoteka_install($db) {
	$db->query("CREATE TABLE IF NOT EXISTS `" . DB_PREFIX . "kartoteka_order` (`order_id` INT NOT NULL PRIMARY KEY, `device` VARCHAR(100) NOT NULL DEFAULT '', `refused` TINYINT NOT NULL DEFAULT 0, `told` VARCHAR(255) NOT NULL DEFAULT '')");
	$db->query("CREATE TABLE IF NOT EXISTS `" . DB_PREFIX . "kartoteka_queue` (`id` VARCHAR(100) NOT NULL PRIMARY KEY, `message` MEDIUMTEXT NOT NULL, `tries` INT NOT NULL DEFAULT 0, `due` INT NOT NULL)");
}

/** Takes the tables away. */
function kartoteka_uninstall($db) {
	$db->query("DROP TABLE IF EXISTS `" . DB_PREFIX . "kartoteka_order`");
	$db->query("DROP TABLE IF EXISTS `" . DB_PREFIX . "kartoteka_queue`");
}

/** Put the tag and this page's calls into the head. */
function kartoteka_print($registry, &$output) {
	if (kartoteka_ready($registry) && is_string($output)) {
		$head = kartoteka_head(kartoteka_hub(kartoteka_setting($registry, 'hub')), kartoteka_setting($registry, 'site_key'), kartoteka_calls($registry));
		$at = stripos($output, '</head>');
		$output = $at === false ? $output : substr($output, 0, $at) . $head . substr($output, $at);
	}
	if (mt_rand(1, 50) === 1) {
		kartoteka_later($registry);
	}
}

/** What the snippet is told on this page. */
function kartoteka_calls($registry) {
	$get = $registry->get('request')->get;
	$route = isset($get['route']) ? (string)$get['route'] : '';
	$calls = kartoteka_who($registry);
	if ($route === 'product/product' && isset($get['product_id'])) {
		$product = kartoteka_found($registry, (int)$get['product_id']);
		if ($product) {
			$calls[] = ['track', 'Product Viewed', $product];
		}
	} elseif ($route === 'checkout/cart' || $route === 'checkout/checkout') {
		$cart = kartoteka_cart($registry);
		if ($cart['products']) {
			$calls[] = ['track', $route === 'checkout/cart' ? 'Cart Viewed' : 'Checkout Started', $cart];
		}
	}
	return $calls;
}

/**
 * Once per sign-in and browser: who it is; once per sign-out: a new visitor. Not remembered before the visitor's consent
 * gave an id; a no and a later yes give another. Of who said no nothing is printed.
 */
function kartoteka_who($registry) {
	$customer = $registry->get('customer');
	$session = $registry->get('session');
	$told = isset($session->data['kartoteka']) ? (string)$session->data['kartoteka'] : '';
	$id = $customer->isLogged() ? (string)$customer->getId() : '';
	$device = kartoteka_browser();
	if (kartoteka_refused() || $told === ($id === '' ? '' : $id . ' ' . $device)) {
		return [];
	}
	if ($id === '') {
		unset($session->data['kartoteka']);
		return [['reset']];
	}
	if ($device !== '') {
		$session->data['kartoteka'] = $id . ' ' . $device;
	}
	return [kartoteka_identify($id, [
		'email'     => kartoteka_text($customer->getEmail()),
		'firstName' => kartoteka_text($customer->getFirstName()),
		'lastName'  => kartoteka_text($customer->getLastName()),
		'phone'     => kartoteka_text($customer->getTelephone())
	], kartoteka_setting($registry, 'secret_key'))];
}

/** A price as this visitor sees it. */
function kartoteka_price($registry, $price, $tax_class_id) {
	$taxed = $registry->get('tax')->calculate((float)$price, $tax_class_id, (bool)$registry->get('config')->get('config_tax'));
	return $registry->get('currency')->format($taxed, $registry->get('session')->data['currency'], 0, false);
}

/** A product of the catalogue. */
function kartoteka_found($registry, $product_id, $quantity = null) {
	$registry->get('load')->model('catalog/product');
	$row = $registry->get('model_catalog_product')->getProduct($product_id);
	if (!$row) {
		return [];
	}
	$price = (float)$row['special'] ? $row['special'] : $row['price'];
	return kartoteka_product($row, kartoteka_price($registry, $price, $row['tax_class_id']), $quantity) + ['currency' => (string)$registry->get('session')->data['currency']];
}

/** What lies in the cart. */
function kartoteka_cart($registry) {
	$products = [];
	$value = 0.0;
	foreach ($registry->get('cart')->getProducts() as $row) {
		$price = (float)kartoteka_price($registry, $row['price'], $row['tax_class_id']);
		$value += $price * (int)$row['quantity'];
		$products[] = kartoteka_product($row, $price, $row['quantity']);
	}
	return ['value' => kartoteka_amount($value), 'products' => array_slice($products, 0, 100), 'currency' => (string)$registry->get('session')->data['currency']];
}

/** Something was put into the cart; OpenCart answers its script, so this server tells it. */
function kartoteka_added($registry) {
	$post = $registry->get('request')->post;
	$answer = json_decode((string)$registry->get('response')->getOutput(), true);
	$device = kartoteka_browser();
	if (!kartoteka_ready($registry) || empty($answer['success']) || empty($post['product_id']) || $device === '') {
		return;
	}
	$product = kartoteka_found($registry, (int)$post['product_id'], max(1, isset($post['quantity']) ? (int)$post['quantity'] : 1));
	if ($product) {
		$who = ['anonymousId' => $device, 'userId' => $registry->get('customer')->isLogged() ? (string)$registry->get('customer')->getId() : null];
		kartoteka_send($registry, kartoteka_message('oc-' . bin2hex(random_bytes(12)), 'Product Added', $product, time(), $who));
	}
}

/** The browser's id; none when its person refused. */
function kartoteka_browser() {
	return isset($_COOKIE['_k']) ? kartoteka_device($_COOKIE['_k']) : '';
}

/** Whether the visitor said no to the snippet: it keeps that in the place of the browser's id. */
function kartoteka_refused() {
	return isset($_COOKIE['_k']) && $_COOKIE['_k'] === 'deny';
}

/** Keep with a new order which browser it came from; orders that staff enter come through the API. */
function kartoteka_ordered($registry, $order_id) {
	if (!$order_id) {
		return;
	}
	$get = $registry->get('request')->get;
	$staff = isset($get['route']) && strpos((string)$get['route'], 'api/') === 0;
	$device = $staff ? '' : kartoteka_browser();
	$refused = !$staff && kartoteka_refused() ? 1 : 0;
	$db = $registry->get('db');
	$db->query("REPLACE INTO `" . DB_PREFIX . "kartoteka_order` SET `order_id` = '" . (int)$order_id . "', `device` = '" . $db->escape($device) . "', `refused` = '" . $refused . "'");
}

/** An order has another status: paid or accepted, cancelled, refunded. Each is told once. */
function kartoteka_history($registry, $order_id, $status_id) {
	$config = $registry->get('config');
	// what OpenCart delivers: 7 cancelled, 11 refunded
	$events = ['completed' => 'Order Completed', 'cancelled' => 'Order Cancelled', 'refunded' => 'Order Refunded'];
	$accepted = array_merge((array)$config->get('config_processing_status'), (array)$config->get('config_complete_status'));
	$what = in_array((int)$status_id, array_map('intval', $accepted), true) ? 'completed' : ((int)$status_id === 7 ? 'cancelled' : ((int)$status_id === 11 ? 'refunded' : ''));
	$db = $registry->get('db');
	// an order from before this module has no row of ours
	$kept = $db->query("SELECT * FROM `" . DB_PREFIX . "kartoteka_order` WHERE `order_id` = '" . (int)$order_id . "'")->row;
	if ($what === '' || !kartoteka_ready($registry) || !$kept || $kept['refused'] || in_array($what, explode(' ', $kept['told']), true)) {
		return;
	}
	$order = $db->query("SELECT * FROM `" . DB_PREFIX . "order` WHERE `order_id` = '" . (int)$order_id . "'")->row;
	if (!$order) {
		return;
	}
	$lines = $db->query("SELECT * FROM `" . DB_PREFIX . "order_product` WHERE `order_id` = '" . (int)$order_id . "'")->rows;
	$totals = $db->query("SELECT `code`, `value` FROM `" . DB_PREFIX . "order_total` WHERE `order_id` = '" . (int)$order_id . "'")->rows;
	kartoteka_send($registry, kartoteka_order_message($order, $what, $events[$what], kartoteka_order($order, $lines, $totals), $kept['device'], HTTP_SERVER, time()));
	$db->query("UPDATE `" . DB_PREFIX . "kartoteka_order` SET `told` = '" . $db->escape(trim($kept['told'] . ' ' . $what)) . "' WHERE `order_id` = '" . (int)$order_id . "'");
}

/** Keep a message until the hub has it; it goes out when this request is answered. */
function kartoteka_send($registry, array $message) {
	$db = $registry->get('db');
	$text = json_encode($message, JSON_INVALID_UTF8_SUBSTITUTE);
	$db->query("INSERT IGNORE INTO `" . DB_PREFIX . "kartoteka_queue` SET `id` = '" . $db->escape($message['messageId']) . "', `message` = '" . $db->escape($text) . "', `due` = '" . time() . "'");
	kartoteka_later($registry);
}

/** Deliver when this request is answered. */
function kartoteka_later($registry) {
	register_shutdown_function('kartoteka_guard', $registry, static function () use ($registry) {
		kartoteka_deliver($registry);
	});
}

/** Send what is due; later again what the hub can't take now. The visitor has their page already. */
function kartoteka_deliver($registry) {
	static $done = false;
	if ($done) {
		return;
	}
	$done = true;
	$timeout = function_exists('fastcgi_finish_request') && fastcgi_finish_request() ? 10 : 3;
	$db = $registry->get('db');
	foreach ($db->query("SELECT * FROM `" . DB_PREFIX . "kartoteka_queue` WHERE `due` <= '" . time() . "' ORDER BY `due` LIMIT 10")->rows as $kept) {
		$status = kartoteka_post(kartoteka_hub(kartoteka_setting($registry, 'hub')), kartoteka_setting($registry, 'secret_key'), json_decode($kept['message'], true), $timeout);
		$tries = (int)$kept['tries'];
		// 400 and 413 say that the message itself is no good
		if (($status >= 200 && $status < 300) || $status === 400 || $status === 413 || $tries >= count(KARTOTEKA_WAITS)) {
			$db->query("DELETE FROM `" . DB_PREFIX . "kartoteka_queue` WHERE `id` = '" . $db->escape($kept['id']) . "'");
			continue;
		}
		$db->query("UPDATE `" . DB_PREFIX . "kartoteka_queue` SET `tries` = '" . ($tries + 1) . "', `due` = '" . (time() + KARTOTEKA_WAITS[$tries]) . "' WHERE `id` = '" . $db->escape($kept['id']) . "'");
		return;
	}
}

/** Send a message now; the hub's status, 0 when it can't be reached. */
function kartoteka_post($hub, $secret, array $message, $timeout) {
	$call = curl_init($hub . '/v1/track');
	curl_setopt_array($call, [
		CURLOPT_POST           => true,
		CURLOPT_POSTFIELDS     => json_encode(['sentAt' => gmdate('Y-m-d\TH:i:s\Z')] + $message, JSON_INVALID_UTF8_SUBSTITUTE),
		CURLOPT_HTTPHEADER     => ['Content-Type: application/json', 'Authorization: Basic ' . base64_encode($secret . ':')],
		CURLOPT_RETURNTRANSFER => true,
		CURLOPT_TIMEOUT        => $timeout
	]);
	$answer = curl_exec($call);
	$status = $answer === false ? 0 : (int)curl_getinfo($call, CURLINFO_HTTP_CODE);
	curl_close($call);
	return $status;
}
